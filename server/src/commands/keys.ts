import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import type { Identity } from '../services/identity/index.ts'
import { type Print, usage } from './command.ts'

type Keys = Identity['keys']

/** What an operator does with the keys that sign access tokens: list, rotate, revoke. */
export async function keys(
  words: readonly string[],
  { now, topology }: { now: boolean; topology: string },
  print: Print,
): Promise<void> {
  const act = actionOf(words, now, print)
  if (!act) throw new StartError(usage)
  const config = loadCommandConfig(topology)
  await withServices(config, createLogger(config), ['identity'], ({ identity }) => act(identity.keys))
}

function actionOf([action, kid, ...rest]: readonly string[], now: boolean, print: Print) {
  if (rest.length > 0 || (now && action !== 'rotate')) return undefined
  if (action === undefined) return (signingKeys: Keys) => list(signingKeys, print)
  if (action === 'rotate' && kid === undefined) {
    return (signingKeys: Keys) => rotate(signingKeys, now, print)
  }
  if (action === 'revoke' && kid !== undefined) {
    return (signingKeys: Keys) => revoke(signingKeys, kid, print)
  }
  return undefined
}

async function list(signingKeys: Keys, print: Print): Promise<void> {
  for (const { kid, state, createdAt, activatesAt } of await signingKeys.list()) {
    print(`${kid}  ${state.padEnd(8)}  made ${createdAt.toISOString()}  signs from ${activatesAt.toISOString()}`)
  }
}

async function rotate(signingKeys: Keys, now: boolean, print: Print): Promise<void> {
  const { kid, activatesAt } = await signingKeys.rotate({ now })
  print(now ? `The key ${kid} signs now.` : `The key ${kid} is published and signs from ${activatesAt.toISOString()}.`)
}

async function revoke(signingKeys: Keys, kid: string, print: Print): Promise<void> {
  if (!(await signingKeys.revoke(kid))) {
    throw new StartError(`There is no signing key "${kid}". \`guichet keys\` lists them.`)
  }
  print(`The key ${kid} is revoked. Every verifier refuses its tokens within 6 minutes.`)
}
