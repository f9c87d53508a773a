import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MigrationSource, migrate } from '../../src/platform/db/migrate.ts'
import { silentLogger } from '../../src/platform/log.ts'

/** Brings a database to where it was before the named migration, as `0004`. */
export async function migrateBefore(url: string, migrations: MigrationSource, first: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'guichet-migrations-'))
  for (const name of (await readdir(migrations.directory)).filter((one) => one < first)) {
    await cp(join(migrations.directory, name), join(directory, name))
  }
  await migrate(url, { ...migrations, directory }, { log: silentLogger() })
  await rm(directory, { recursive: true })
}
