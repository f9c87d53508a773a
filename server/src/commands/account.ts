import { userInfo } from 'node:os'
import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { configured, contractNamed } from '../contracts/configured.ts'
import { DomainError, StartError } from '../platform/errors.ts'
import { newSecret } from '../platform/ids.ts'
import { createLogger } from '../platform/log.ts'
import type { Identity } from '../services/identity/index.ts'
import { operator, type Realm } from '../services/realm/index.ts'
import type { Print } from './command.ts'
import { explain } from './messages.ts'
import { readPassword } from './password.ts'
import { checkTenant } from './tenant-name.ts'

export interface AccountOptions {
  /** Undefined: the first there is. */
  contract?: string | undefined
  tenant?: string | undefined
  email?: string | undefined
  /** To be given. */
  role?: string | undefined
  passwordStdin?: boolean
  /** The operator vouches for the address: nothing is mailed. */
  verified?: boolean
  /** The tenant is to be made. */
  newTenant?: boolean
  /** End the sessions that are listed. */
  end?: boolean
}

interface Order {
  name: string
  realm: Realm
  options: AccountOptions
  print: Print
}

export type AccountAction = keyof typeof actions

/** What an operator does with an account. */
export async function account(
  action: AccountAction,
  name: string,
  options: AccountOptions,
  print: Print,
): Promise<void> {
  const contract = contractNamed(options.contract)
  const config = loadCommandConfig(contract, ['identity'])
  const { realm } = configured(config)[contract]
  const { tenant, newTenant = false } = options
  await withServices(config, createLogger(config), ['identity'], async ({ identity }) => {
    if (realm.policy.tenant === 'named' && tenant !== undefined) await checkTenant(identity.admin, tenant, newTenant)
    else if (newTenant)
      throw new StartError('--new is for the tenant that --tenant names, where the contract has tenants.')
    await actions[action](identity, { name, realm, options, print })
  }).catch((error: unknown) => {
    throw error instanceof DomainError ? new StartError(explain(error)) : error
  })
}

const actions = {
  create,
  async grant(identity: Identity, { name, realm, options, print }: Order) {
    const { role = '' } = options
    await identity.admin.grantRole(name, role, realm, options.tenant)
    print(`${name} is now ${role} in ${realm.name}.`)
  },
  async unlock(identity: Identity, { name, realm, options, print }: Order) {
    const counted = await identity.admin.unlock(name, realm, options.tenant)
    print(counted ? `The failed sign-ins of ${name} are forgotten.` : `No failed sign-in was counted for ${name}.`)
  },
  async 'mfa-off'(identity: Identity, { name, realm, options, print }: Order) {
    const wasOn = await identity.admin.turnSecondFactorOff(name, realm, options.tenant)
    const all = realm.policy.secondFactor === 'always'
    if (wasOn && !all) return print(`${name} is asked for no second factor any more.`)
    print(wasOn ? `The second factor of ${name} is off.` : `The second factor of ${name} was off already.`)
    if (all) print(`In ${realm.name} everybody is asked for a code all the same.`)
  },
  async activate(identity: Identity, { name, realm, options, print }: Order) {
    await identity.admin.setActive(name, true, realm, options.tenant)
    print(`${name} can sign in.`)
  },
  async deactivate(identity: Identity, { name, realm, options, print }: Order) {
    await identity.admin.setActive(name, false, realm, options.tenant)
    print(`${name} cannot sign in any more; the sessions are ended.`)
  },
  async 'set-password'(identity: Identity, order: Order) {
    const { password, shown } = await newPassword(order)
    await identity.repair.setPassword(whose(order), password)
    order.print(`The password of ${order.name} is set, and every session is ended.`)
    shown(order.print)
  },
  async 'set-email'(identity: Identity, order: Order) {
    const { email = '' } = order.options
    await identity.repair.setEmail(whose(order), email)
    order.print(
      `${order.name} now has the address ${email}, and every session is ended. The address before was told, and can undo it for seven days.`,
    )
  },
  async 'reset-link'(identity: Identity, order: Order) {
    const mailed = await identity.repair.mailResetLink(whose(order))
    if (!mailed)
      throw new StartError(
        `No link was mailed to ${order.name}: the account has no address, or was mailed too many within the hour.`,
      )
    order.print(`A link to choose a password is on its way to ${order.name}.`)
  },
  async delete(identity: Identity, order: Order) {
    await identity.repair.deleteAccount(whose(order))
    order.print(`${order.name} is deleted, in every realm.`)
  },
  async 'release-name'(identity: Identity, order: Order) {
    const kept = await identity.repair.releaseName(whose(order))
    order.print(
      kept ? `The name ${order.name} can be used again.` : `The name ${order.name} was not kept from anybody.`,
    )
  },
  async sessions(identity: Identity, { name, realm, options, print }: Order) {
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

/** Whose account it is, and who asks: the log names the user of this machine. */
const whose = ({ name, realm, options }: Order) => ({ name, realm, tenant: options.tenant, by: userInfo().username })

/** A password that is read, or made and shown once. */
async function newPassword({ options }: Order) {
  if (options.passwordStdin) return { password: await readPassword(), shown: () => undefined }
  // With every kind of character, whatever a contract asks for.
  const password = `${newSecret(18)}-aA1`
  return { password, shown: (print: Print) => print(`Its password, shown this once: ${password}`) }
}

async function create(identity: Identity, order: Order): Promise<void> {
  const { name, realm, options, print } = order
  const { email, role, tenant, verified = false } = options
  const { password, shown } = await newPassword(order)
  const address = email ?? (name.includes('@') ? name : undefined)
  const input = { username: name, password, email: address, role, tenant, emailVerified: verified }
  const { account: made } = await identity.createAccount(input, operator(realm))
  print(`Made the account ${made.username} (number ${made.number}) as ${made.role} of ${realm.name}.`)
  shown(print)
}
