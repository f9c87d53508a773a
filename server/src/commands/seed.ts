import { withServices } from '../compose.ts'
import { loadCommandConfig } from '../config.ts'
import { plantDemo } from '../first-start.ts'
import { StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import { planOf } from '../topologies.ts'
import type { Print } from './command.ts'

/** Writes the demo administrator and products where they are not there yet. */
export async function seed(print: Print): Promise<void> {
  const plan = planOf([])
  const config = loadCommandConfig()
  if (!config.development) {
    throw new StartError('Demo data has a well-known password and is for development: set GUICHET_DEV=true to seed it.')
  }
  await withServices(config, createLogger(config.logLevel), (services) => plantDemo(plan, services))
  print('The demo data is in place.')
}
