import { loadConfig, readEnvironment } from '../config.ts'
import { migrateDatabases } from '../databases.ts'
import { createLogger } from '../platform/log.ts'
import { planOf } from '../topologies.ts'
import type { Print } from './command.ts'

/** Brings the databases to the present schema, after a backup of what is there. */
export async function migrate({ backup }: { backup: boolean }, print: Print): Promise<void> {
  const plan = planOf([])
  const config = loadConfig(readEnvironment(), plan)
  const log = createLogger(config.logLevel)
  const applied = await migrateDatabases(config, { services: plan.services, ownership: 'join-or-own', log, backup })
  for (const { service, migrations } of applied) {
    print(migrations.length === 0 ? `${service}: up to date` : `${service}: applied ${migrations.join(', ')}`)
  }
}
