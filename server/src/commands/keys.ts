import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import type { Identity } from '../services/identity/index.ts'
import type { Print } from './command.ts'

async function withKeys(topology: string, work: (keys: Identity['keys']) => Promise<void>): Promise<void> {
  const config = loadCommandConfig(topology)
  await withServices(config, createLogger(config), ['identity'], ({ identity }) => work(identity.keys))
}

/** Lists the keys that sign access tokens. */
export const listKeys = (topology: string, print: Print): Promise<void> =>
  withKeys(topology, async (keys) => {
    for (const { kid, state, createdAt, activatesAt } of await keys.list()) {
      print(`${kid}  ${state.padEnd(8)}  made ${createdAt.toISOString()}  signs from ${activatesAt.toISOString()}`)
    }
  })

/** Publishes a new key. @param options.now true: it signs at once, and not in ten minutes */
export const rotateKeys = ({ now, topology }: { now: boolean; topology: string }, print: Print): Promise<void> =>
  withKeys(topology, async (keys) => {
    const { kid, activatesAt } = await keys.rotate({ now })
    print(
      now ? `The key ${kid} signs now.` : `The key ${kid} is published and signs from ${activatesAt.toISOString()}.`,
    )
  })

/** Withdraws a key that has become known. */
export const revokeKey = (kid: string, topology: string, print: Print): Promise<void> =>
  withKeys(topology, async (keys) => {
    if (!(await keys.revoke(kid)))
      throw new StartError(`There is no signing key "${kid}". \`guichet keys\` lists them.`)
    print(`The key ${kid} is revoked. Every verifier refuses its tokens within 6 minutes.`)
  })
