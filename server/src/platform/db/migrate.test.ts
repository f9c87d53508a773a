import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openScratchServer } from '../../../tests/support/scratch-server.ts'
import { StartError } from '../errors.ts'
import { silentLogger } from '../log.ts'
import { withConnection } from './connection.ts'
import { migrate, newMigration, pendingMigrations } from './migrate.ts'

let server: Awaited<ReturnType<typeof openScratchServer>>
let url: string
let directory: string
const log = silentLogger()
const source = () => ({ name: 'orders', directory })
const write = (name: string, text: string) => writeFile(path.join(directory, name), text)
const query = async (text: string) =>
  (await withConnection(url, 'test', (client) => client.query(text))).rows as Record<string, unknown>[]
const tables = async () =>
  (await query("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).map(
    ({ name }) => name,
  )

beforeAll(async () => {
  server = await openScratchServer('orders')
  url = server.url('orders')
}, 30_000)
afterAll(() => server.remove())
beforeEach(async () => {
  await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  directory = path.join(server.dataDir, 'migrations')
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory)
  await write('0001_orders.sql', 'CREATE TABLE orders (id int);\nCREATE TABLE lines (id int);\n')
})

describe('migrate', () => {
  test('applies what is pending in order, once', async () => {
    await write('0002_note.sql', "ALTER TABLE orders ADD note text;\nINSERT INTO orders VALUES (1, 'x');")
    expect(await pendingMigrations(url, source())).toEqual(['0001_orders', '0002_note'])
    expect(await tables()).toEqual([])
    expect(await migrate(url, source(), { log })).toEqual(['0001_orders', '0002_note'])
    expect(await migrate(url, source(), { log })).toEqual([])
    expect(await pendingMigrations(url, source())).toEqual([])
    expect(await query('SELECT * FROM orders')).toEqual([{ id: 1, note: 'x' }])
  })

  test('racing migrators apply each file once', async () => {
    await write('0002_slow.sql', 'SELECT pg_sleep(0.2);\nINSERT INTO orders VALUES (1);')
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(url, source(), { log })))
    expect(applied.flat().sort()).toEqual(['0001_orders', '0002_slow'])
    expect(await query('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 1 }])
  })

  test('a failing file leaves nothing half done, and is named with its line', async () => {
    await write('0002_broken.sql', 'CREATE TABLE half (id int);\n-- “ü”\nSELECT nothing_like_this FROM orders;\n')
    await write('0003_never.sql', 'CREATE TABLE never (id int);')
    const failed = await migrate(url, source(), { log }).catch((error) => error)
    expect(failed).toBeInstanceOf(StartError)
    expect(failed.message).toMatch(/0002_broken\.sql, line 3, failed: .*nothing_like_this/)
    expect(await tables()).toEqual(['lines', 'orders', 'schema_migrations'])
    expect(await pendingMigrations(url, source())).toEqual(['0002_broken', '0003_never'])
    await write('0002_broken.sql', 'CREATE TABLE mended (id int);')
    expect(await migrate(url, source(), { log })).toEqual(['0002_broken', '0003_never'])
  })

  test('refuses a file that was changed after it was applied, but not for its line ends', async () => {
    await migrate(url, source(), { log })
    const text = await readFile(path.join(directory, '0001_orders.sql'), 'utf8')
    await write('0001_orders.sql', text.replaceAll('\n', '\r\n'))
    expect(await migrate(url, source(), { log })).toEqual([])
    await write('0001_orders.sql', `${text}DROP TABLE lines;`)
    await expect(migrate(url, source(), { log })).rejects.toThrow(/0001_orders\.sql was changed after/)
    await expect(pendingMigrations(url, source())).rejects.toThrow(StartError)
    expect(await tables()).toContain('lines')
  })

  test('runs on a database that is ahead, and says so', async () => {
    await write('0002_newer.sql', 'CREATE TABLE newer (id int);')
    await migrate(url, source(), { log })
    await rm(path.join(directory, '0002_newer.sql'))
    const warnings: unknown[] = []
    const listening = Object.assign(silentLogger(), { warn: (facts: unknown) => warnings.push(facts) })
    expect(await migrate(url, source(), { log: listening })).toEqual([])
    expect(warnings).toEqual([{ service: 'orders', migrations: ['0002_newer'] }])
  })

  test('asks for a backup only before it changes what is there, with nothing of ours connected', async () => {
    const calls: string[][] = []
    const beforeChange = async (pending: string[]) => {
      calls.push(pending)
      const sessions = await withConnection(server.adminUrl, 'test', (client) =>
        client.query("SELECT 1 FROM pg_stat_activity WHERE datname = 'orders' AND backend_type = 'client backend'"),
      )
      expect(sessions.rowCount).toBe(0)
    }
    await migrate(url, source(), { log, beforeChange })
    await migrate(url, source(), { log, beforeChange })
    expect(calls).toEqual([])
    await write('0002_note.sql', 'ALTER TABLE orders ADD note text;')
    await expect(
      migrate(url, source(), { log, beforeChange: () => Promise.reject(new Error('full')) }),
    ).rejects.toThrow('full')
    expect(await pendingMigrations(url, source())).toEqual(['0002_note'])
    await migrate(url, source(), { log, beforeChange })
    expect(calls).toEqual([['0002_note']])
  })

  test.each([
    ['a name without a number', 'orders.sql', /not named like a migration/],
    ['a number used twice', '0001_other.sql', /same number/],
    ['a transaction of its own', '0002_own.sql', /begins or ends a transaction/],
  ])('refuses %s', async (_, name, message) => {
    await write(name, 'BEGIN;\nCREATE TABLE other (id int);\nCOMMIT;\n')
    if (name === '0001_other.sql') await write(name, 'SELECT 1')
    await expect(migrate(url, source(), { log })).rejects.toThrow(message)
    expect(await tables()).toEqual([])
  })

  test('says which variable to look at when the server is away', async () => {
    const away = migrate('postgresql://orders:x@127.0.0.1:1/orders', source(), { log })
    await expect(away).rejects.toThrow(/ECONNREFUSED.*ORDERS_DATABASE_URL/)
  })
})

test('newMigration writes the next file', async () => {
  const file = await newMigration(source(), '  Add the  Café’s note! ')
  expect(path.basename(file)).toBe('0002_add_the_cafe_s_note.sql')
  expect(await readFile(file, 'utf8')).toMatch(/^-- Add the Café’s note!\n/)
  await rename(file, file.replace('0002', '0041'))
  expect(path.basename(await newMigration(source(), 'x'))).toBe('0042_x.sql')
  await expect(newMigration(source(), ' …! ')).rejects.toThrow(StartError)
})
