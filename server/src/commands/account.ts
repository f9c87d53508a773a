import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { configured, contractNamed } from '../contracts/configured.ts'
import { DomainError, StartError } from '../platform/errors.ts'
import { newSecret } from '../platform/ids.ts'
import { createLogger } from '../platform/log.ts'
import type { Identity } from '../services/identity/index.ts'
import { operator, type Realm } from '../services/realm/index.ts'
import { type Print, usage } from './command.ts'
import { explain } from './messages.ts'

export interface AccountOptions {
  /** Undefined: the first there is. */
  contract: string | undefined
  tenant: string | undefined
  email: string | undefined
  role: string | undefined
  passwordStdin: boolean
  /** The operator vouches for the address: nothing is mailed. */
  verified: boolean
  /** End the sessions that are listed. */
  end: boolean
}

interface Order {
  name: string
  role: string | undefined
  realm: Realm
  options: AccountOptions
  print: Print
}

type Action = (identity: Identity, order: Order) => Promise<void>

/** What an operator does with accounts. */
export async function account(words: readonly string[], options: AccountOptions, print: Print): Promise<void> {
  const [action = '', name, role, ...rest] = words
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined
  const complete = name !== undefined && rest.length === 0 && (action === 'grant') === (role !== undefined)
  if (!act || !complete) throw new StartError(usage)
  const contract = contractNamed(options.contract)
  const config = loadCommandConfig(contract, ['identity'])
  const { realm } = configured(config)[contract]
  await withServices(config, createLogger(config.logLevel), ['identity'], ({ identity }) =>
    act(identity, { name, role, realm, options, print }),
  ).catch((error: unknown) => {
    throw error instanceof DomainError ? new StartError(explain(error)) : error
  })
}

const actions: Readonly<Record<string, Action>> = {
  create,
  async grant(identity, { name, role = '', realm, options, print }) {
    await identity.admin.grantRole(name, role, realm, options.tenant)
    print(`${name} is now ${role} in ${realm.name}.`)
  },
  async unlock(identity, { name, realm, options, print }) {
    const counted = await identity.admin.unlock(name, realm, options.tenant)
    print(counted ? `The failed sign-ins of ${name} are forgotten.` : `No failed sign-in was counted for ${name}.`)
  },
  async 'mfa-off'(identity, { name, realm, options, print }) {
    const wasOn = await identity.admin.turnSecondFactorOff(name, realm, options.tenant)
    const all = realm.policy.secondFactor === 'always'
    if (wasOn && !all) return print(`${name} is asked for no second factor any more.`)
    print(wasOn ? `The second factor of ${name} is off.` : `The second factor of ${name} was off already.`)
    if (all) print(`In ${realm.name} everybody is asked for a code all the same.`)
  },
  async activate(identity, { name, realm, options, print }) {
    await identity.admin.setActive(name, true, realm, options.tenant)
    print(`${name} can sign in.`)
  },
  async deactivate(identity, { name, realm, options, print }) {
    await identity.admin.setActive(name, false, realm, options.tenant)
    print(`${name} cannot sign in any more; the sessions are ended.`)
  },
  async sessions(identity, { name, realm, options, print }) {
    if (options.end) {
      const ended = await identity.admin.endSessions(name, realm, options.tenant)
      return print(`${ended} sessions of ${name} are ended.`)
    }
    const sessions = await identity.admin.listSessions(name, realm, options.tenant)
    print(`${sessions.length} live sessions of ${name}.`)
    for (const { id, contract, createdAt, expiresAt, ip, userAgent } of sessions) {
      const times = `${createdAt.toISOString()} to ${expiresAt.toISOString()}`
      print(`  ${id}  ${contract.padEnd(8)}  ${times}  ${ip ?? '-'}  ${userAgent ?? '-'}`)
    }
  },
}

async function create(identity: Identity, { name, realm, options, print }: Order): Promise<void> {
  const { email, role, passwordStdin, tenant, verified } = options
  // With every kind of character, whatever a contract asks for.
  const generated = `${newSecret(18)}-aA1`
  const password = passwordStdin ? await firstLineOfStdin() : generated
  const address = email ?? (name.includes('@') ? name : undefined)
  const input = { username: name, password, email: address, role, tenant, emailVerified: verified }
  const { account: made } = await identity.createAccount(input, operator(realm))
  print(`Made the account ${made.username} (number ${made.number}) as ${made.role} of ${realm.name}.`)
  if (!passwordStdin) print(`Its password, shown this once: ${generated}`)
}

async function firstLineOfStdin(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin) {
    text += chunk
    if (text.includes('\n') || text.length > 10_000) break
  }
  return text.split(/\r?\n/, 1)[0] ?? ''
}
