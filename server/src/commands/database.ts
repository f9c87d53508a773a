import { openDatabases } from '../compose/databases.ts'
import { loadConfig, readEnvironment } from '../config/config.ts'
import { planOf } from '../config/topologies.ts'
import { type ServiceName, serviceNames } from '../contracts/_kit/services.ts'
import { StartError } from '../platform/errors.ts'
import { createLogger } from '../platform/log.ts'
import type { Print } from './command.ts'

/** Runs the embedded server alone, at the present schema, and prints the URLs that other processes of this machine can share it by. */
export async function database(print: Print, atOnce: AbortSignal): Promise<{ stop(): Promise<void> }> {
  const plan = planOf([])
  // Only the data folder and the log level matter here: no service runs, so no secret is asked for.
  const config = loadConfig({ ...readEnvironment(), GUICHET_DEV: 'true', NODE_ENV: undefined }, plan)
  if (config.databaseUrls) {
    throw new StartError(
      '`guichet database` runs the embedded server; unset the *_DATABASE_URL variables, which name another one.',
    )
  }
  const log = createLogger(config)
  const databases = await openDatabases(config, { services: serviceNames, ownership: 'own', log, atOnce })
  print(
    serviceNames
      .map((service: ServiceName) => `${service.toUpperCase()}_DATABASE_URL=${databases.url(service)}`)
      .join('\n'),
  )
  return { stop: databases.close }
}
