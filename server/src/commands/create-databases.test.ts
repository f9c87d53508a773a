import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { databaseUrl, execute } from '../../tests/support/test-databases.ts'
import { createDatabases } from './create-databases.ts'

const unique = randomBytes(4).toString('hex')
const names = ['identity', 'profiles', 'orders'].map((name) => `made "${name}" ${unique}`)
const role = `maker_${unique}`
const urls = () => {
  const [IDENTITY_DATABASE_URL, PROFILES_DATABASE_URL, ORDERS_DATABASE_URL] = names.map((name) => databaseUrl(name))
  return { IDENTITY_DATABASE_URL, PROFILES_DATABASE_URL, ORDERS_DATABASE_URL }
}
const drop = (name: string) =>
  execute(databaseUrl(), `DROP DATABASE IF EXISTS "${name.replaceAll('"', '""')}" WITH (FORCE)`)

async function run(words: readonly string[], environment: Record<string, string | undefined>): Promise<string[]> {
  const lines: string[] = []
  await createDatabases(words, (line) => void lines.push(line), environment)
  return lines
}

beforeAll(() => execute(databaseUrl(), `CREATE ROLE ${role} LOGIN PASSWORD 'hunter2-right'`))
afterAll(async () => {
  for (const name of names) await drop(name)
  await execute(databaseUrl(), `DROP ROLE ${role}`)
})

test('makes what is missing, once, and says so', async () => {
  const { host } = new URL(inject('postgresUrl'))
  const [first = ''] = names
  expect(await run(['shop/auth-service'], urls()), 'of a unit, only its own').toEqual([`${first} at ${host}: made`])
  expect(await run([], urls())).toEqual([
    `${first} at ${host}: is there already`,
    ...names.slice(1).map((name) => `${name} at ${host}: made`),
  ])
  for (const name of names) await execute(databaseUrl(name), 'SELECT 1')
})

test('several at the same moment all succeed', async () => {
  for (const name of names) await drop(name)
  const all = await Promise.all([run([], urls()), run([], urls()), run([], urls())])
  const made = all.flat().filter((line) => line.endsWith(': made'))
  expect(made).toHaveLength(new Set(made).size)
  for (const name of names) await execute(databaseUrl(name), 'SELECT 1')
})

test('one URL for all services is one database', async () => {
  const url = databaseUrl(names[0])
  const env = { IDENTITY_DATABASE_URL: url, PROFILES_DATABASE_URL: url, ORDERS_DATABASE_URL: url }
  expect(await run([], env)).toHaveLength(1)
})

test("a reference's names count in its topology", async () => {
  const server = new URL(databaseUrl())
  const name = names[0] ?? ''
  await drop(name)
  const parts = {
    DATABASE_HOST: server.hostname,
    DATABASE_PORT: server.port,
    DATABASE_USERNAME: decodeURIComponent(server.username),
    DATABASE_PASSWORD: decodeURIComponent(server.password),
    DATABASE_NAME: name,
  }
  expect(await run(['clients'], parts)).toEqual([`${name} at ${server.host}: made`])
  expect(await run(['all'], parts)).toEqual([expect.stringContaining('embedded')])
})

test.each([
  ['a wrong password', 'hunter2-wrong', /password authentication failed[\s\S]*Correct the user and the password/],
  ['a user who may not', 'hunter2-right', /permission denied to create database[\s\S]*CREATEDB/],
])('%s is said with what to do, and without the password', async (_name, password, message) => {
  const url = new URL(databaseUrl('wanted'))
  url.username = role
  url.password = password
  const failed = run(['clients'], { IDENTITY_DATABASE_URL: url.href })
  await expect(failed).rejects.toThrow(message)
  await expect(failed).rejects.not.toThrow(/hunter2/)
})

test('a server that is away is said, and a URL without a database', async () => {
  const env = (url: string) => ({ IDENTITY_DATABASE_URL: url })
  await expect(run(['clients'], env('postgresql://u:hunter2@127.0.0.1:1/x'))).rejects.toThrow(
    /x at 127\.0\.0\.1:1 could not be made: .*ECONNREFUSED.*names? a PostgreSQL|must name/,
  )
  await expect(run(['clients'], env(`postgresql://u:p@127.0.0.1:1`))).rejects.toThrow(/names no database/)
})
