import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { eventually, rowsOf } from '../fault/calls.ts'
import { startMailCatcher } from '../support/mail-catcher.ts'
import { runCommand, startProcess, testEnvironment } from '../support/processes.ts'
import { journey } from './full-journey.ts'
import { createHunt } from './secret-hunt.ts'

/** Nothing of development's conveniences; only the passwords' full cost is left out where it may be. */
const production = {
  GUICHET_DEV: '',
  GUICHET_LIMITS_SCALE: '',
  GUICHET_ARGON2_MEMORY_KIB: '',
  GUICHET_ARGON2_PASSES: '',
  NODE_ENV: 'production',
  GUICHET_SECRET: `the-master-secret-${randomBytes(24).toString('hex')}`,
  GUICHET_APP_URL: 'http://localhost:8000',
  TENANTS_FIRST_USER: 'vendor_admin',
}

test.each([
  { mode: 'development, which says codes and links in its answers', extra: {} as Record<string, string> },
  { mode: 'production', extra: production },
])('$mode: no secret is in a log, an event, a table or a refusal', { timeout: 120_000 }, async ({ extra }) => {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-no-secrets-'))
  const catcher = await startMailCatcher()
  const environment = {
    ...testEnvironment,
    ...extra,
    LOG_LEVEL: 'trace',
    PORT: '0',
    GUICHET_DATA_DIR: join(folder, 'data'),
    GUICHET_LOG_FILE: join(folder, 'logs', 'guichet.log'),
    GUICHET_TRUSTED_PROXIES: '127.0.0.1/32',
    GUICHET_SMTP_HOST: '127.0.0.1',
    GUICHET_SMTP_PORT: String(catcher.port),
    GUICHET_SMTP_TLS: 'none',
  }
  const server = await startProcess(['start'], environment)
  onTestFinished(async () => {
    await server.stop()
    await catcher.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const hunt = createHunt()
  if (extra.GUICHET_SECRET) hunt.note('master secret', extra.GUICHET_SECRET)
  /** Where a secret could have been left, by what to call it. */
  const places: [place: string, text: string][] = []
  const walk = journey({
    base: server.urls.gateway ?? '',
    hunt,
    catcher,
    file: join(folder, 'accounts.ndjson'),
    async guichet(words, input) {
      const { code, stdout, stderr } = await runCommand(words.split(' '), environment, input)
      expect(code, stderr).toBe(0)
      places.push([`the output of ${words}`, `${stdout}${stderr}`])
    },
    refused: (path, status, text) => places.push([`the answer ${status} of ${path.replace(/\S{30,}$/, '…')}`, text]),
  })

  const postgresUrl = (await readFile(join(folder, 'data', 'postgres', 'url'), 'utf8')).trim()
  // After each part, since some rows do not stay: pending sign-ins, sealed successors, mail that waits.
  for (const [part, steps] of Object.entries(walk)) {
    await steps()
    for (const [table, text] of await everyTable(postgresUrl)) places.push([`${table} after ${part}`, text])
  }
  await eventually(10_000, async () => {
    const open = await rowsOf(postgresUrl, 'identity', 'SELECT FROM mail_jobs WHERE sent_at IS NULL')
    expect(open.length).toBe(0)
  })
  places.push(...(await everyTable(postgresUrl)))
  await server.stop()
  places.push(['stdout', server.stdout()], ['stderr', server.stderr()])
  const logs = await everyFile(folder, /\.log(\.\d+)?$/)
  places.push(...logs)

  // The hunt sees what there is to see …
  const text = (place: RegExp) =>
    places
      .filter(([name]) => place.test(name))
      .map(([, one]) => one)
      .join('\n')
  expect(text(/^identity\.accounts$/)).toContain('ada@example.org')
  expect(text(/^identity\.outbox_events$/)).toContain('client.logged_in')
  expect(text(/^profiles\.profiles$/)).toContain('carol@example.org')
  expect(text(/guichet\S*\.log/).match(/"msg":"request"/g)?.length).toBeGreaterThan(100)
  expect(text(/^the answer /).length).toBeGreaterThan(1000)
  for (const [kind, least] of Object.entries(leastOf)) expect(hunt.counts()[kind], kind).toBeGreaterThanOrEqual(least)
  // … and finds nothing.
  const found = places.flatMap(([place, one]) => hunt.findIn(one).map((what) => `${what} in ${place}`))
  expect(found).toEqual([])
})

/** Of each kind of secret the journey has at least as many. */
const leastOf = {
  password: 20,
  'link token': 5,
  code: 4,
  'session token': 3,
  'access token': 12,
  'refresh token': 10,
  cookie: 8,
}

/** Every row of every table and view of every database, as text. */
async function everyTable(postgresUrl: string): Promise<[string, string][]> {
  const tables: [string, string][] = []
  const databases = await rowsOf<{ name: string }>(
    postgresUrl,
    'postgres',
    'SELECT datname AS name FROM pg_database WHERE NOT datistemplate',
  )
  expect(databases.map(({ name }) => name)).toEqual(expect.arrayContaining(['identity', 'profiles', 'orders']))
  for (const { name: database } of databases) {
    const listed = await rowsOf<{ schema: string; name: string }>(
      postgresUrl,
      database,
      `SELECT table_schema AS schema, table_name AS name FROM information_schema.tables
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`,
    )
    for (const { schema, name } of listed) {
      const rows = await rowsOf<{ row: string }>(
        postgresUrl,
        database,
        `SELECT t::text AS row FROM "${schema}"."${name}" t`,
      )
      tables.push([`${database}.${name}`, rows.map(({ row }) => row).join('\n')])
    }
  }
  return tables
}

/** The files of a folder, at any depth, whose names fit. */
async function everyFile(folder: string, names: RegExp): Promise<[string, string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const fitting = entries.filter((entry) => entry.isFile() && names.test(entry.name))
  return Promise.all(
    fitting.map(async ({ parentPath, name }): Promise<[string, string]> => {
      return [`the file ${name}`, await readFile(join(parentPath, name), 'utf8')]
    }),
  )
}

test('the hunt knows a secret by its looks', () => {
  const hunt = createHunt()
  hunt.noteFields({
    deep: [{ password: 'Parole "1"!', mfa_code: '123456' }],
    code: 'AUTH_FAILED',
    token_type: 'Bearer',
  })
  hunt.note('link token', 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODkw')
  expect(hunt.counts()).toEqual({ password: 1, code: 1, 'link token': 1 })
  const hidden = (text: string) => hunt.findIn(text)
  expect(hidden('{"level":20,"body":"Parole \\"1\\"!"}')).toEqual(['password as JSON'])
  expect(hidden('?x=Parole%20%221%22!')).toEqual(['password as part of a URL'])
  expect(hidden(`\\x${Buffer.from('a Parole "1"!').toString('hex')}`)).toEqual(['password as hex'])
  for (const before of ['', 'a', 'ab', 'abc'])
    expect(hidden(Buffer.from(`${before}Parole "1"!${before}`).toString('base64'))).toEqual(['password as base64'])
  expect(hidden(`\\x${Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ4567890').toString('hex')}`)).toEqual([
    'link token as hex of its bytes',
  ])
  expect(hidden('{"code":"123456"}')).toEqual(['code as itself'])
  expect(hidden('07:00:00.123456+00, 1234567, 0x123456')).toEqual([])
  expect(hidden('AUTH_FAILED Bearer')).toEqual([])
})
