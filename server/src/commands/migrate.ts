import { migrateDatabases, migrationsOf } from '../compose/databases.ts'
import { loadCommandConfig } from '../config/config.ts'
import { planOf } from '../config/topologies.ts'
import type { ServiceName } from '../contracts/_kit/services.ts'
import { newMigration } from '../platform/db/migrate.ts'
import { createLogger } from '../platform/log.ts'
import type { Print } from './command.ts'

/** Brings the databases to the present schema, after a backup of what is there. */
export async function migrate(
  { backup, topology }: { backup: boolean; topology: string },
  print: Print,
): Promise<void> {
  const plan = planOf([topology])
  const config = loadCommandConfig(topology)
  const log = createLogger(config)
  const applied = await migrateDatabases(config, { services: plan.services, ownership: 'join-or-own', log, backup })
  for (const { service, migrations } of applied) {
    print(migrations.length === 0 ? `${service}: up to date` : `${service}: applied ${migrations.join(', ')}`)
  }
}

/** Makes the next numbered SQL file of a service. */
export async function newMigrationFor(service: ServiceName, title: string, print: Print): Promise<void> {
  print(`Made ${await newMigration(migrationsOf[service], title)}.`)
}
