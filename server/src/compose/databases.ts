import pg from 'pg'
import type { Config } from '../config/config.ts'
import { type ServiceName, serviceNames } from '../contracts/_kit/services.ts'
import { backupBefore } from '../platform/db/backup/index.ts'
import { withConnection } from '../platform/db/connection.ts'
import { openEmbedded } from '../platform/db/embedded/index.ts'
import { migrate, pendingMigrations } from '../platform/db/migrate.ts'
import { messageOf, StartError } from '../platform/errors.ts'
import type { Logger } from '../platform/log.ts'
import { migrations as identityMigrations } from '../services/identity/index.ts'
import { migrations as ordersMigrations } from '../services/orders/index.ts'
import { migrations as profilesMigrations } from '../services/profiles/index.ts'

export const migrationsOf = {
  identity: identityMigrations,
  profiles: profilesMigrations,
  orders: ordersMigrations,
} as const satisfies Record<ServiceName, unknown>

/** Where the services' databases are, ready to be used. */
export interface Databases {
  url(service: ServiceName): string
  /** For people: which server it is. */
  readonly description: string
  close(): Promise<void>
}

export interface DatabaseChoice {
  services: readonly ServiceName[]
  /** `own` when this process is the only one on the data folder, `join-or-own` when several share it. */
  ownership: 'own' | 'join-or-own'
  log: Logger
  /** Aborted where the process is to end without waiting for anything. */
  atOnce?: AbortSignal | undefined
}

/** The services' databases at the present schema. The embedded server is migrated; another one must have been, by `guichet migrate`. */
export async function openDatabases(config: Config, choice: DatabaseChoice): Promise<Databases> {
  const databases = await reach(config, choice)
  try {
    for (const service of choice.services) {
      if (config.databaseUrls === undefined)
        await migrateOne(config, databases, service, { log: choice.log, backup: true })
      else await adviseCreation(refusePending(databases.url(service), service, config), config)
    }
    return databases
  } catch (error) {
    await databases.close()
    throw error
  }
}

/** What `guichet migrate` does: brings the databases to the present schema, after a backup. Gives what was applied. */
export async function migrateDatabases(config: Config, choice: DatabaseChoice & { backup: boolean }) {
  const databases = await reach(config, choice)
  try {
    const applied: { service: ServiceName; migrations: string[] }[] = []
    for (const service of choice.services) {
      const migrations = await adviseCreation(migrateOne(config, databases, service, choice), config)
      applied.push({ service, migrations })
    }
    return applied
  } finally {
    await databases.close()
  }
}

type Reached = Databases & { adminUrl: string | undefined }

async function reach(config: Config, { services, ownership, log, atOnce }: DatabaseChoice): Promise<Reached> {
  const { databaseUrls, dataDir } = config
  if (services.length === 0) {
    const url = () => {
      throw new Error('this process has no database')
    }
    return { url, description: 'none', adminUrl: undefined, close: async () => {} }
  }
  if (databaseUrls) {
    const hosts = new Set(services.map((service) => new URL(databaseUrls[service]).host))
    const description = `PostgreSQL at ${[...hosts].join(', ')}`
    return { url: (service) => databaseUrls[service], description, adminUrl: undefined, close: async () => {} }
  }
  const server = await openEmbedded({ dataDir, ownership, services: serviceNames, log, atOnce })
  const description = `embedded PostgreSQL in ${dataDir}${server.owned ? '' : ' (shared with another process)'}`
  return { url: (service) => server.url(service), description, adminUrl: server.adminUrl, close: () => server.stop() }
}

async function migrateOne(
  config: Config,
  databases: Reached,
  service: ServiceName,
  { log, backup }: { log: Logger; backup: boolean },
) {
  const url = databases.url(service)
  const { adminUrl } = databases
  await makeSchema(url, service)
  return migrate(url, sourceOf(service, config), {
    log,
    async beforeChange(pending) {
      if (!backup) return
      await backupBefore({ name: service, url, dataDir: config.dataDir, pending, log, ...(adminUrl && { adminUrl }) })
    },
  })
}

const sourceOf = (service: ServiceName, { databaseVariables }: Config) => ({
  ...migrationsOf[service],
  variable: databaseVariables[service],
})

/** Several services in one database have a schema each; the URL says so. */
async function makeSchema(url: string, service: ServiceName): Promise<void> {
  if (!new URL(url).searchParams.get('options')?.includes(`search_path=${service}`)) return
  await withConnection(url, 'schema', (client) => client.query(`CREATE SCHEMA IF NOT EXISTS ${service}`))
}

async function refusePending(url: string, service: ServiceName, config: Config): Promise<void> {
  const { topologyOption } = config
  const pending = await pendingMigrations(url, sourceOf(service, config))
  if (pending.length === 0) return
  throw new StartError(
    `The database of ${service} lacks ${pending.length} migration${pending.length === 1 ? '' : 's'} (${pending.join(', ')}). ` +
      `Run \`npm run guichet -- migrate${topologyOption}\` with the same environment, then start again.`,
  )
}

/** Says what makes a database that the server does not have (SQLSTATE 3D000). */
async function adviseCreation<Result>(work: Promise<Result>, { topologyOption }: Config): Promise<Result> {
  try {
    return await work
  } catch (error) {
    const cause = error instanceof StartError ? error.cause : error
    if (!(cause instanceof pg.DatabaseError && cause.code === '3D000')) throw error
    throw new StartError(
      `${messageOf(error)}\n\`npm run guichet -- database create${topologyOption}\` makes what is missing.`,
      {
        cause,
      },
    )
  }
}
