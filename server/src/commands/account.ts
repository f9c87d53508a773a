import { withServices } from '../compose.ts'
import { loadCommandConfig } from '../config.ts'
import { contracts } from '../contracts/registry.ts'
import { Refusal, StartError } from '../platform/errors.ts'
import { newSecret } from '../platform/ids.ts'
import { createLogger } from '../platform/log.ts'
import type { Identity, Terms } from '../services/identity/index.ts'
import { type Print, usage } from './command.ts'

export interface AccountOptions {
  contract: string
  email: string | undefined
  role: string | undefined
  passwordStdin: boolean
}

/** What an operator does with accounts: create, grant, unlock. */
export async function account(words: readonly string[], options: AccountOptions, print: Print): Promise<void> {
  const [action, username, role, ...rest] = words
  const contract = Object.values(contracts).find(({ name }) => name === options.contract)
  if (!contract)
    throw new StartError(`There is no contract "${options.contract}". Known: ${Object.keys(contracts).join(', ')}.`)
  const act =
    username === undefined || rest.length > 0
      ? undefined
      : actionOf(action, username, role, contract.terms, options, print)
  if (!act) throw new StartError(usage)
  const config = loadCommandConfig(contract.name)
  await withServices(config, createLogger(config.logLevel), ({ identity }) => act(identity)).catch((error: unknown) => {
    throw error instanceof Refusal ? new StartError(explain(error, contract.terms)) : error
  })
}

function actionOf(
  action: string | undefined,
  username: string,
  role: string | undefined,
  terms: Terms,
  options: AccountOptions,
  print: Print,
) {
  if (action === 'create' && role === undefined)
    return (identity: Identity) => create(identity, username, terms, options, print)
  if (action === 'grant' && role !== undefined) {
    return async (identity: Identity) => {
      await identity.grantRole(username, role, terms)
      print(`${username} is now ${role} in ${terms.name}.`)
    }
  }
  if (action === 'unlock' && role === undefined) {
    return async (identity: Identity) => {
      const locked = await identity.unlock(username, terms)
      print(
        locked
          ? `The wrong passwords counted for ${username} are forgotten.`
          : `No wrong password was counted for ${username}.`,
      )
    }
  }
  return undefined
}

async function create(
  identity: Identity,
  username: string,
  terms: Terms,
  options: AccountOptions,
  print: Print,
): Promise<void> {
  const { email, role, passwordStdin } = options
  const generated = newSecret(18)
  const password = passwordStdin ? await firstLineOfStdin() : generated
  const made = await identity.createAccount({ username, password, email, role }, terms)
  print(
    `Made the account ${made.username} (number ${made.number}) as ${role ?? terms.policy.roles.person} of ${terms.name}.`,
  )
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

/** The contract's own message for its clients serves an operator as well. */
function explain({ code, details }: Refusal, terms: Terms): string {
  const answer = Object.values(contracts).find(({ name }) => name === terms.name)?.errors as
    | Record<string, { message: string }>
    | undefined
  const known = Array.isArray(details.known) ? ` Known: ${details.known.join(', ')}.` : ''
  return `${answer?.[code]?.message ?? code}${known}`
}
