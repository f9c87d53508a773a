import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { preparedDataDir } from '../support/prepared-data.ts'
import { type GuichetProcess, runCommand, startProcess, testEnvironment } from '../support/processes.ts'

let folder: string
let server: GuichetProcess
let environment: Record<string, string>

beforeAll(async () => {
  folder = await preparedDataDir('guichet-commands')
  environment = { ...testEnvironment, GUICHET_DATA_DIR: folder, PORT: '0' }
  server = await startProcess(['start'], environment)
})

afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

const guichet = (words: string, input?: string) => runCommand(words.split(' '), environment, input)
const call = (path: string, body?: unknown, token?: string) =>
  fetch(`${server.urls.gateway}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const signIn = async (username: string, password: string) => {
  const answer = await call('/auth/login', { username, password })
  const { data } = (await answer.json()) as { data?: { access_token: string } }
  return { status: answer.status, token: data?.access_token }
}

test('account create shows a password once, and it opens the account', async () => {
  const { code, stdout } = await guichet('account create operator --email operator@example.org --role admin')
  expect(code).toBe(0)
  const password = /shown this once: (\S+)/.exec(stdout)?.[1] ?? ''
  const { token } = await signIn('operator', password)
  expect((await call('/users', undefined, token)).status).toBe(200)
})

test('account create takes a password from stdin, and holds it to the rule', async () => {
  const weak = await guichet('account create weak --password-stdin', 'short\n')
  expect(weak).toMatchObject({ code: 1, stdout: '' })
  expect(weak.stderr).toContain('too short')
  const good = await guichet('account create strong --password-stdin', 'long enough\n')
  expect(good.code).toBe(0)
  expect(good.stdout).not.toContain('long enough')
  expect((await signIn('strong', 'long enough')).status).toBe(200)
  expect((await guichet('account create strong --password-stdin', 'long enough\n')).stderr).toContain('taken')
})

test('account grant takes effect at once: the old token is refused, a new one has the role', async () => {
  await call('/auth/register', { username: 'rising', password: 'password1' })
  const before = await signIn('rising', 'password1')
  expect((await call('/users', undefined, before.token)).status).toBe(403)
  expect((await guichet('account grant rising admin')).code).toBe(0)
  await expect.poll(async () => (await call('/users', undefined, before.token)).status).toBe(401)
  const after = await signIn('rising', 'password1')
  expect((await call('/users', undefined, after.token)).status).toBe(200)
})

test('account grant says what is wrong', async () => {
  expect((await guichet('account grant nobody-here admin')).stderr).toContain('no such account')
  expect((await guichet('account grant rising emperor')).stderr).toContain('Known: user, admin')
  expect((await guichet('account grant rising admin --contract bakery')).stderr).toContain('Known: shop')
})

test('account unlock opens a locked account', async () => {
  await call('/auth/register', { username: 'locked', password: 'password1' })
  for (let turn = 0; turn < 50; turn += 1) await signIn('locked', 'wrong-password')
  expect((await signIn('locked', 'password1')).status).toBe(401)
  expect((await guichet('account unlock locked')).stdout).toContain('forgotten')
  expect((await signIn('locked', 'password1')).status).toBe(200)
})

test('import products writes all lines or none, and a running server shows them', async () => {
  const file = join(folder, 'products.ndjson')
  await writeFile(
    file,
    '{"id":100,"name":"Lamp","price":19.99,"stock":3}\n\n{"id":101,"name":"Desk","price":250,"stock":1,"description":"Oak"}\n',
  )
  expect((await guichet(`import products ${file} --dry-run`)).stdout).toContain('2 products fit')
  expect((await call('/products/100')).status).toBe(404)
  expect((await guichet(`import products ${file}`)).code).toBe(0)
  const shown = (await (await call('/products/100')).json()) as { data: unknown }
  expect(shown.data).toMatchObject({ name: 'Lamp', price: 19.99, stock: 3, description: null })
  const listed = async () =>
    ((await (await call('/products')).json()) as { data: { id: number }[] }).data.map(({ id }) => id)
  await expect.poll(listed).toContain(101)

  await writeFile(
    file,
    '{"id":100,"name":"Lamp","price":1,"stock":3}\n{"name":"","price":1.999,"stock":-1}\nnot json\n',
  )
  const broken = await guichet(`import products ${file}`)
  expect(broken.code).toBe(1)
  expect(broken.stderr).toMatch(/line 2: [\s\S]*line 3: /)
  expect(((await (await call('/products/100')).json()) as { data: { price: number } }).data.price).toBe(19.99)
  expect((await guichet(`import products ${join(folder, 'absent')}`)).stderr).toContain('cannot be read')
})

test('seed and migrate can be repeated', async () => {
  expect((await guichet('migrate')).stdout).toMatch(/identity: up to date[\s\S]*orders: up to date/)
  expect((await guichet('seed')).code).toBe(0)
  const production = await runCommand(['seed'], {
    ...environment,
    GUICHET_DEV: 'false',
    GUICHET_SECRET: 'a secret of the tests, long enough to be one',
  })
  expect(production.stderr).toContain('GUICHET_DEV=true')
})

test('dead-letters lists what a service could not take, and replays it', async () => {
  expect((await guichet('dead-letters profiles')).stdout).toBe('0 dead letters of profiles.\n')
  const admin = (await readFile(join(folder, 'postgres', 'url'), 'utf8')).trim()
  const client = new pg.Client({ connectionString: admin.replace(/postgres$/, 'profiles') })
  await client.connect()
  const subject = '01900000-0000-7000-8000-00000000abcd'
  const account = { number: 900_000, tenant: 'main', username: 'late', email: null, displayName: null }
  const data = { ...account, realm: 'shop', origin: 'registered', since: '2026-01-01T00:00:00Z' }
  const event = {
    id: subject,
    source: 'identity',
    type: 'membership.started',
    subject,
    sequence: 1,
    time: '2026-01-01T00:00:00Z',
    data,
  }
  await client.query(
    "INSERT INTO dead_letters (consumer, event_id, event, reason, attempts) VALUES ('profiles', $1, $2, 'broken', 10)",
    [subject, event],
  )
  expect((await guichet('dead-letters profiles')).stdout).toMatch(
    /1 dead letters[\s\S]*membership\.started.*10 attempts: broken/,
  )
  expect((await guichet('dead-letters profiles replay')).stdout).toContain('1 events are handled now, 0 still fail')
  const { rows } = await client.query('SELECT username FROM profiles WHERE number = 900000')
  expect(rows).toEqual([{ username: 'late' }])
  await client.end()
})

test('the command line explains itself', async () => {
  expect(await guichet('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('start [topology') })
  expect(await guichet('account grant --help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Example:') })
  expect((await guichet('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  for (const [words, says] of [
    ['dance', 'no command "dance"'],
    ['account create', 'needs a <name>'],
    ['start --loud', 'no option "--loud"'],
  ] as const) {
    const { code, stderr } = await guichet(words)
    expect(code, words).toBe(1)
    expect(stderr, words).toContain(says)
    expect(stderr, words).toContain('npm run guichet -- ')
  }
})

test('migrate --dry-run migrates nothing: the option is refused', async () => {
  const url = 'postgresql://nobody:x@127.0.0.1:1/never'
  const urls = { IDENTITY_DATABASE_URL: url, PROFILES_DATABASE_URL: url, ORDERS_DATABASE_URL: url }
  const { code, stderr } = await runCommand(['migrate', '--dry-run'], { ...environment, ...urls })
  expect(code).toBe(1)
  expect(stderr).toContain('"migrate" has no option "--dry-run".')
})

test('account create makes a tenant only when it is said to be new', async () => {
  const create = (name: string, tenant: string, more = '') =>
    guichet(`account create ${name}@example.org --contract tenants --verified --tenant ${tenant} ${more}`.trim())
  expect((await create('first', 'Globex')).stderr).toContain('There is no tenant "Globex". Add --new to make it.')
  expect((await create('first', 'Globex', '--new')).code).toBe(0)
  expect((await create('second', 'Globx')).stderr).toContain('Did you mean "Globex"?')
  expect((await create('second', 'globex', '--new')).stderr).toContain('already: leave --new out')
  expect((await create('second', 'globex')).code).toBe(0)
  const grant = await guichet('account grant second@example.org tenant_admin --contract tenants --tenant Globexx')
  expect(grant.stderr).toContain('Did you mean "Globex"?')
})
