import pg from 'pg'
import { messageOf, StartError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { withConnection } from './connection.ts'
import { type MigrationFile, type MigrationSource, readMigrations } from './migration-files.ts'
import { poll } from './poll.ts'

export { type MigrationSource, newMigration } from './migration-files.ts'

export interface MigrateOptions {
  log: Logger
  /** Runs before a database that already holds something is changed, while nothing of ours is connected to it. */
  beforeChange?: (pending: string[]) => Promise<void>
}

// "guic", "migr": one lock for the whole database, since two services may share one.
const lock = [0x67756963, 0x6d696772]
const lockDeadlineMs = 60_000

/** Names the migrations that `migrate` would apply, without changing anything. */
export async function pendingMigrations(url: string, source: MigrationSource): Promise<string[]> {
  const files = await readMigrations(source)
  return connected(url, source, async (client) => (await compare(client, source, files)).pending.map(nameOf))
}

/**
 * Applies what is pending, each file in its own transaction, and names what was applied. Migrators that start at the
 * same time take turns. Throws a `StartError` that names the file, and its line where PostgreSQL tells it.
 */
export async function migrate(url: string, source: MigrationSource, options: MigrateOptions): Promise<string[]> {
  const files = await readMigrations(source)
  const { log, beforeChange } = options
  if (beforeChange) {
    // A template copy needs a database without connections, so ours is closed before, and all is looked at again after.
    const { pending, applied } = await connected(url, source, (client) => compare(client, source, files))
    if (pending.length > 0 && applied > 0) await beforeChange(pending.map(nameOf))
  }
  return connected(url, source, async (client) => {
    await takeTurn(client, source)
    await client.query(
      `CREATE TABLE IF NOT EXISTS schema_migrations (
         id int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    )
    const { pending, unknown } = await compare(client, source, files)
    if (unknown.length > 0) {
      // Releases only add to the schema before they use it, so the build before the newest one runs on it too.
      log.warn({ service: source.name, migrations: unknown }, 'the database is ahead of this build')
    }
    for (const file of pending) {
      await apply(client, file)
      log.info({ service: source.name, migration: file.name }, 'applied a migration')
    }
    return pending.map(nameOf)
  })
}

const nameOf = ({ name }: { name: string }) => name

async function connected<Result>(
  url: string,
  { name, variable = `${name.toUpperCase()}_DATABASE_URL` }: MigrationSource,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await withConnection(url, `migrate:${name}`, work)
  } catch (error) {
    if (error instanceof StartError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const advice =
      code === '42501'
        ? 'must use a user that owns the database, or is granted CREATE on its schema'
        : error instanceof Error && 'path' in error
          ? 'must name certificates and keys that are there and can be read'
          : 'must name a server that runs, and a database and a user that exist there'
    throw new StartError(
      `The database of ${name} could not be read or changed: ${messageOf(error)}. ` + `${variable} ${advice}.`,
      { cause: error },
    )
  }
}

async function takeTurn(client: pg.Client, { name }: MigrationSource): Promise<void> {
  const got = await poll(
    async () => {
      const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS got', lock)
      return rows[0]?.got || undefined
    },
    { withinMs: lockDeadlineMs, everyMs: 100 },
  )
  if (got) return
  throw new StartError(
    `Another process has been migrating the database of ${name} for more than ${lockDeadlineMs / 1000} seconds. ` +
      'Wait until it is done (pg_stat_activity shows it as "guichet:migrate"), then start again.',
  )
}

async function compare(client: pg.Client, source: MigrationSource, files: readonly MigrationFile[]) {
  // Asked by schema: of two services in one database, each has its own list.
  const { rows: found } = await client.query<{ present: boolean }>(
    "SELECT to_regclass(quote_ident(current_schema()) || '.schema_migrations') IS NOT NULL AS present",
  )
  const applied = found[0]?.present
    ? (await client.query<{ id: number; name: string; checksum: string }>('SELECT * FROM schema_migrations')).rows
    : []
  const byId = new Map(applied.map((row) => [row.id, row]))
  for (const file of files) {
    const row = byId.get(file.id)
    if (!row || row.checksum === file.checksum) continue
    throw new StartError(
      `${file.file} was changed after it was applied to the database of ${source.name} (there as ${row.name}). ` +
        `Restore the file as it was, and write the change as a new one: guichet migrate new "…".`,
    )
  }
  const ours = new Set(files.map(({ id }) => id))
  return {
    pending: files.filter(({ id }) => !byId.has(id)),
    unknown: applied.filter(({ id }) => !ours.has(id)).map(nameOf),
    applied: applied.length,
  }
}

async function apply(client: pg.Client, { id, name, checksum, file, text }: MigrationFile): Promise<void> {
  await client.query('BEGIN')
  try {
    // A lock that is not to be had must not stop the whole service behind it.
    await client.query("SET LOCAL lock_timeout = '30s'")
    // Its id first: a second migrator that got here in spite of the lock waits at this row.
    await client.query('INSERT INTO schema_migrations (id, name, checksum) VALUES ($1, $2, $3)', [id, name, checksum])
    await client.query(text)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw new StartError(
      `The migration ${file}${lineOf(error, text)} failed: ${messageOf(error)}. ` +
        'Nothing of it was kept. Mend what it names and start again.',
      { cause: error },
    )
  }
}

function lineOf(error: unknown, text: string): string {
  if (!(error instanceof pg.DatabaseError) || !error.position) return ''
  // PostgreSQL counts characters, not UTF-16 units.
  const before = [...text].slice(0, Number(error.position) - 1)
  return `, line ${before.filter((character) => character === '\n').length + 1},`
}
