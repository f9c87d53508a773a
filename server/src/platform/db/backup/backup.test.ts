import { execFile } from 'node:child_process'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openScratchServer } from '../../../../tests/support/scratch-server.ts'
import { startSystemPostgres, systemPostgresTimeout } from '../../../../tests/support/system-postgres.ts'
import { StartError } from '../../errors.ts'
import { silentLogger } from '../../log.ts'
import { withConnection } from '../connection.ts'
import { openDatabase, sql } from '../database.ts'
import { backupBefore } from './index.ts'

let server: Awaited<ReturnType<typeof openScratchServer>>
let url: string
const log = silentLogger()
const query = async (at: string, text: string) =>
  (await withConnection(at, 'test', (client) => client.query(text))).rows as Record<string, unknown>[]

beforeAll(async () => {
  server = await openScratchServer('orders')
  url = server.url('orders')
  await query(
    url,
    `CREATE TABLE schema_migrations (id int); INSERT INTO schema_migrations VALUES (1);
     CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, cents bigint, price numeric(20, 4), at timestamptz,
       tags text[], body jsonb, raw bytea);
     INSERT INTO orders (cents, price, at, tags, body, raw)
       SELECT 9007199254740993, 0.1000, '2026-01-02 03:04:05.678901+02', ARRAY['a"b', NULL], '{"ü": "\\n"}', '\\x00ff'
         FROM generate_series(1, 2500)`,
  )
}, 30_000)
afterAll(() => server.remove())

const options = (at: number) => ({
  name: 'orders',
  url,
  dataDir: server.dataDir,
  pending: ['0002_note', '0003_more'],
  log,
  clock: { now: () => at },
})
const day = Date.UTC(2026, 0, 1)
const copies = async () =>
  (
    await query(server.adminUrl, "SELECT datname AS name FROM pg_database WHERE datname LIKE '%before%' ORDER BY 1")
  ).map(({ name }) => name)

describe('on the built-in server', () => {
  test('keeps the newest two copies, whole, while a pool stays usable', async () => {
    const pool = openDatabase({ name: 'orders', url, log })
    await pool.ping()
    for (const at of [day, day + 1_000, day + 2_000]) {
      const { how } = await backupBefore({ ...options(at), adminUrl: server.adminUrl })
      expect(how).toBe('copy')
    }
    expect(await copies()).toEqual(['orders_before_0002_20260101000001', 'orders_before_0002_20260101000002'])
    const copy = url.replace(/\/orders$/, '/orders_before_0002_20260101000002')
    expect(await query(copy, 'SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 2500 }])
    expect(await pool.one(sql<{ n: number }>`SELECT count(*)::int AS n FROM orders`)).toEqual({ n: 2500 })
    await pool.close()
  })

  test('names who is in the way, and does not end their work', { timeout: 15_000 }, async () => {
    const busy = new pg.Client({ connectionString: url, application_name: 'night report' })
    await busy.connect()
    await busy.query('BEGIN')
    const before = await copies()
    const refused = await backupBefore({ ...options(day), adminUrl: server.adminUrl }).catch((error) => error)
    expect(refused).toBeInstanceOf(StartError)
    expect(refused.message).toMatch(/night report.*--no-backup/)
    await busy.query('COMMIT')
    await busy.end()
    expect(await copies()).toEqual(before)
  })
})

describe('on a server of somebody else', () => {
  const script = async (text: string) => {
    const file = path.join(server.dataDir, 'pg_dump')
    await writeFile(file, `#!/bin/sh\n${text}`)
    await chmod(file, 0o755)
    return file
  }

  test('uses a pg_dump that is new enough, and never shows it the password in its arguments', async () => {
    const seen = path.join(server.dataDir, 'seen')
    const pgDump = await script(
      `[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 99.1"; exit; }
       for a in "$@"; do
         echo "$a" >>${seen}
         case $a in --file=*) echo dumped >"\${a#--file=}";; *passfile=*) ls -l ${server.dataDir}/backups/*.pgpass >>${seen};; esac
       done`,
    )
    const { how, place } = await backupBefore({ ...options(day), pgDump })
    expect(how).toBe('pg_dump')
    expect(place).toBe(path.join(server.dataDir, 'backups', 'orders-before-0002-20260101000000.dump'))
    expect(await readFile(place, 'utf8')).toBe('dumped\n')
    expect((await stat(place)).mode & 0o777).toBe(0o600)
    const text = await readFile(seen, 'utf8')
    expect(text).toContain('-rw------- ')
    expect(text).not.toContain(new URL(url).password)
    expect(await readdir(path.dirname(place))).toEqual([path.basename(place)])
  })

  test.each([
    ['is older than the server', 'echo "pg_dump (PostgreSQL) 9.6"'],
    ['fails', '[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 99.1"; exit; }; echo no >&2; exit 1'],
  ])('exports every row when pg_dump %s', async (name, text) => {
    const { how, place } = await backupBefore({ ...options(day + name.length * 1_000), pgDump: await script(text) })
    expect(how).toBe('export')
    expect((await readdir(place)).sort()).toEqual([
      'README',
      'public.orders.ndjson.gz',
      'public.schema_migrations.ndjson.gz',
      'sequences.ndjson.gz',
    ])
    const lines = gunzipSync(await readFile(path.join(place, 'public.orders.ndjson.gz')))
      .toString()
      .trim()
      .split('\n')
    expect(lines).toHaveLength(2500)
    // As the README says, the lines give the same rows again.
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await client.query('BEGIN')
      await client.query('CREATE TEMP TABLE restored (LIKE orders INCLUDING ALL) ON COMMIT DROP')
      await client.query(
        `INSERT INTO restored OVERRIDING SYSTEM VALUE
         SELECT r.* FROM unnest($1::text[]) line, json_populate_record(NULL::restored, line::json) r`,
        [lines],
      )
      const { rows } = await client.query(
        '(TABLE orders EXCEPT ALL TABLE restored) UNION ALL (TABLE restored EXCEPT ALL TABLE orders)',
      )
      expect(rows).toEqual([])
      expect((await client.query('SELECT count(*)::int AS n FROM restored')).rows).toEqual([{ n: 2500 }])
    } finally {
      await client.end()
    }
  })

  test('names --no-backup when nothing works, and leaves no half of an export', async () => {
    await query(server.adminUrl.replace(/\/postgres$/, '/orders'), 'CREATE TABLE closed AS SELECT 1 AS n')
    const refused = await backupBefore({ ...options(day + 90_000), pgDump: 'no-such-pg-dump' }).catch((error) => error)
    expect(refused).toBeInstanceOf(StartError)
    expect(refused.message).toMatch(/permission denied for table closed.*--no-backup/)
    expect((await readdir(path.join(server.dataDir, 'backups'))).filter((name) => name.includes('partial'))).toEqual([])
  })
})

describe('with the pg_dump of this machine', () => {
  let system: Awaited<ReturnType<typeof startSystemPostgres>>
  beforeAll(async () => {
    system = await startSystemPostgres()
  }, systemPostgresTimeout)
  afterAll(() => system.stop())

  test.each(['-c search_path=kept', '-c statement_timeout=0 -c search_path=kept'])(
    'a database whose URL has the options %s is dumped, and can be restored from it',
    async (value) => {
      const at = new URL(system.url)
      await query(at.href, 'CREATE SCHEMA IF NOT EXISTS kept; DROP TABLE IF EXISTS kept.notes')
      at.searchParams.set('options', value)
      expect(at.search).toContain('+')
      await query(at.href, "CREATE TABLE notes AS SELECT 'a note' AS text")
      const backup = { ...options(day), url: at.href, dataDir: system.folder, pgDump: system.program('pg_dump') }
      const { how, place } = await backupBefore(backup)
      expect(how).toBe('pg_dump')
      const restored = await promisify(execFile)(system.program('pg_restore'), ['--file=-', place])
      expect(restored.stdout).toMatch(/COPY kept\.notes[^;]*;\na note\n/)
    },
  )
})
