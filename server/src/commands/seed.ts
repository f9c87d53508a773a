import { seedDemo } from '../compose/bootstrap.ts'
import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { planOf } from '../config/topologies.ts'
import { configured } from '../contracts/configured.ts'
import { StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import type { Print } from './command.ts'

/** Writes the demo accounts of a topology's contracts, and the demo products, where they are not there yet. */
export async function seed({ topology }: { topology: string }, print: Print): Promise<void> {
  const plan = planOf([topology])
  const config = loadCommandConfig(topology)
  if (!config.development) {
    throw new StartError('Demo data has a well-known password and is for development: set GUICHET_DEV=true to seed it.')
  }
  const all = configured(config)
  const contracts = plan.contracts.map((name) => all[name])
  const services = (['identity', 'orders'] as const).filter((name) => plan.services.includes(name))
  await withServices(config, createLogger(config), services, (opened) =>
    seedDemo({ contracts, made: 'by seed' }, opened),
  )
  print('The demo data is in place.')
}
