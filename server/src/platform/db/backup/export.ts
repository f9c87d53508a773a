import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import pg from 'pg'
import { withConnection } from '../connection.ts'

const rowsAtOnce = 1_000

interface Table {
  schema: string
  name: string
}

/**
 * Exports all tables of a database as of one moment into a folder (mode 0700), for servers that no pg_dump at hand
 * can read: one gzipped file a table with one JSON object a line, and a README that says how to load them again.
 */
export async function exportDatabase(url: string, folder: string): Promise<string> {
  const draft = `${folder}.partial`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  try {
    await withConnection(url, 'backup', async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      // Times and dates are written so that they read the same anywhere; a row policy raises an error, not a gap.
      await client.query(
        "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres'",
      )
      await client.query('SET LOCAL extra_float_digits = 1; SET LOCAL row_security = off')
      for (const table of await tablesOf(client)) await exportTable(client, table, draft)
      await writeLines(path.join(draft, 'sequences.ndjson.gz'), sequences(client))
      await client.query('COMMIT')
    })
    await writeFile(path.join(draft, 'README'), readme, { mode: 0o600 })
    await rename(draft, folder)
    return folder
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

// Partitions are tables too; what they hold is read from themselves alone.
async function tablesOf(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT n.nspname AS schema, c.relname AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't'
        AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      ORDER BY 1, 2`,
  )
  return rows
}

async function exportTable(client: pg.Client, { schema, name }: Table, folder: string): Promise<void> {
  const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`
  await client.query(`DECLARE exported NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS line FROM ONLY ${table} t`)
  const file = `${encodeURIComponent(schema)}.${encodeURIComponent(name)}.ndjson.gz`
  await writeLines(path.join(folder, file), fetched(client))
  await client.query('CLOSE exported')
}

async function* fetched(client: pg.Client): AsyncGenerator<string> {
  for (;;) {
    const { rows } = await client.query<{ line: string }>(`FETCH ${rowsAtOnce} FROM exported`)
    if (rows.length === 0) return
    yield rows.map(({ line }) => `${line}\n`).join('')
  }
}

async function* sequences(client: pg.Client): AsyncGenerator<string> {
  const { rows } = await client.query<{ line: string }>(
    `SELECT json_build_object('schema', schemaname, 'name', sequencename, 'last', last_value)::text AS line
       FROM pg_sequences WHERE last_value IS NOT NULL`,
  )
  for (const { line } of rows) yield `${line}\n`
}

const writeLines = (file: string, lines: AsyncIterable<string>) =>
  pipeline(Readable.from(lines), createGzip(), createWriteStream(file, { mode: 0o600, flush: true }))

const readme = `One gzipped file a table, <schema>.<table>.ndjson.gz, one row a line as JSON, all as of one moment.

To load them again, into an empty database:
1. Make the tables with the build that applied the migrations listed in *.schema_migrations.ndjson.gz: guichet migrate.
2. In one transaction, with SET session_replication_role = replica (so that the order of the tables does not matter),
   for each table but schema_migrations: TRUNCATE it, and for each line
   INSERT INTO <table> OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::<table>, '<line>');
   (a table with generated columns: name the other columns instead of *).
3. For each line of sequences.ndjson.gz: SELECT setval('<schema>.<name>', <last>);
`
