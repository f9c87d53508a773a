import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { preparedDataDir } from '../support/prepared-data.ts'
import { freePorts, runCommand, startProcess, testEnvironment } from '../support/processes.ts'
import { execute, freshDatabase } from '../support/test-databases.ts'
import { call, rowsOf, signIn } from './calls.ts'
import { removeDataDir } from './postmaster.ts'

/** What a machine gives by itself: production mode, nothing set. */
const bare = { PATH: testEnvironment.PATH!, HOME: testEnvironment.HOME!, HOST: '127.0.0.1', LOG_LEVEL: 'warn' }
const secret = (name: string) => `${name} for tests only, of more than 32 characters`

/** An empty one, as of a first start, unless it is `prepared`. */
async function ownDataDir({ prepared = false } = {}): Promise<string> {
  const name = 'guichet-refused'
  const dataDir = prepared ? await preparedDataDir(name) : await mkdtemp(join(tmpdir(), `${name}-`))
  onTestFinished(() => removeDataDir(dataDir))
  return dataDir
}

/** Runs `guichet start …` that must refuse, and gives what it said. */
async function domainError(words: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['start', ...words], environment)
  expect(code, stdout + stderr).toBe(1)
  expect(stdout).not.toContain('is ready')
  // A person reads it: no stack.
  expect(stderr).not.toMatch(/^ {4}at /m)
  return stderr
}

describe('a start is refused, before anything is touched,', () => {
  const refuse = async (
    words: readonly string[],
    variables: Readonly<Record<string, string>>,
    base = testEnvironment,
  ) => {
    const dataDir = await ownDataDir()
    const said = await domainError(words, { ...base, GUICHET_DATA_DIR: dataDir, ...variables })
    expect(await readdir(dataDir)).toEqual([])
    return said
  }

  test.each(['bazaar', 'shop/bakery', 'all/gateway', 'shop/auth-service/x'])(
    'for "%s", which names nothing',
    async (word) => {
      const said = await refuse([word], {})
      expect(said).toContain(`"${word}"`)
      for (const known of ['all', 'shop', 'shop/auth-service', 'identity']) expect(said).toContain(known)
    },
  )

  test('for several wrong variables, all named at once', async () => {
    const said = await refuse(['shop/api-gateway'], {
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      AUTH_SERVICE_URL: 'ftp://example.org',
      UPSTREAM_TIMEOUT_MS: '1.5e99',
      GUICHET_LIMITS_SCALE: '-1',
      GUICHET_TRUSTED_PROXIES: '10.0.0.0/99',
    })
    for (const name of [
      'PORT',
      'LOG_LEVEL',
      'AUTH_SERVICE_URL',
      'UPSTREAM_TIMEOUT_MS',
      'GUICHET_LIMITS_SCALE',
      'GUICHET_TRUSTED_PROXIES:',
    ]) {
      expect(said).toMatch(new RegExp(`- ${name} `))
    }
  })

  test('for GUICHET_DEV in production', async () => {
    expect(await refuse([], { NODE_ENV: 'production' })).toMatch(/GUICHET_DEV.*NODE_ENV=production/)
  })

  test('for what a misspelt variable left unset, and names it', async () => {
    const said = await refuse(['all'], { GUICHET_SECRTE: secret('master secret') }, bare)
    expect(said).toMatch(/- GUICHET_SECRET is missing/)
    expect(said).toContain('GUICHET_SECRTE is no variable of Guichet and has no effect. Did you mean "GUICHET_SECRET"?')
  })

  test('for a database that is away, by the name that it was given by', { timeout: 60_000 }, async () => {
    const url = 'postgresql://u:p@127.0.0.1:1/d'
    const said = (word: string, more: Readonly<Record<string, string>>) => refuse([word], more)
    expect(await said('helpdesk', { DATABASE_URL: url })).toMatch(/\. DATABASE_URL must name a server that runs/)
    expect(await said('tenants', { IDENTITY_DATABASE_URL: url })).toMatch(/\. IDENTITY_DATABASE_URL must name/)
    expect(await said('clients', { DATABASE_PORT: '1' })).toMatch(/\. DATABASE_HOST and its companions must name/)
    const secured = `${url}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`
    expect(await said('tenants', { DATABASE_URL: secured })).toMatch(/DATABASE_URL must name certificates and keys/)
  })

  test('for PORT with several listeners', async () => {
    const said = await refuse(['shop'], { PORT: '8000' })
    for (const unit of ['API_GATEWAY', 'AUTH_SERVICE', 'USER_SERVICE', 'ORDERS_SERVICE'])
      expect(said).toContain(`${unit}_PORT`)
  })

  test('for missing secrets in production, each by its name', async () => {
    const said = await refuse(['shop/auth-service'], {}, bare)
    expect(said).toMatch(/- GUICHET_SECRET /)
    expect(said).toMatch(/- GUICHET_APP_URL is missing/)
    expect(said).toMatch(/- INTERNAL_SERVICE_TOKEN /)
  })
})

describe('secrets that can be guessed', () => {
  const guessed = { GUICHET_SECRET: 'a'.repeat(32), SHOP_JWT_SECRET: 'short' }

  test('are refused in production by the names that were set, without their values', async () => {
    const environment = { ...bare, ...guessed, INTERNAL_SERVICE_TOKEN: 'abcdefgh'.repeat(4), JWT_SECRET: '' }
    const said = await domainError(['shop/auth-service'], { ...environment, GUICHET_DATA_DIR: await ownDataDir() })
    expect(said).toContain('- GUICHET_SECRET must have at least 8 different characters; it has 1.')
    expect(said).toContain('- INTERNAL_SERVICE_TOKEN must not be one text over and over.')
    expect(said).toContain('- SHOP_JWT_SECRET must have at least 32 characters; it has 5.')
    expect(said).not.toMatch(/aaaa|abcdefgh/)
  })

  test('are warned of in development, where they do', { timeout: 60_000 }, async () => {
    const dataDir = await ownDataDir({ prepared: true })
    const server = await startProcess(['start'], {
      ...testEnvironment,
      ...guessed,
      SHOP_ACESS_TTL: '1m',
      GUICHET_DATA_DIR: dataDir,
      PORT: '0',
    })
    onTestFinished(server.kill)
    for (const name of Object.keys(guessed))
      expect(server.stderr()).toMatch(new RegExp(`"level":40.*${name} must have`))
    expect(server.stderr()).toMatch(/"level":40.*SHOP_ACESS_TTL is no variable of Guichet.*SHOP_ACCESS_TTL/)
    await signIn(server.urls.gateway!)
    expect(await server.stop()).toBe(0)
  })
})

describe('a start is refused', () => {
  test('where another program listens', { timeout: 60_000 }, async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as { port: number }
    const dataDir = await ownDataDir({ prepared: true })
    const said = await domainError([], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: String(port) })
    expect(said).toContain(`127.0.0.1:${port}`)
    expect(said).toMatch(/another program/i)
    // It had started its server by then, and has ended it again.
    expect(await readdir(join(dataDir, 'postgres', 'cluster'))).not.toContain('postmaster.pid')
  })

  test('for a data folder that is a file, and a secret that is none', { timeout: 60_000 }, async () => {
    const dataDir = await ownDataDir()
    const file = join(dataDir, 'file')
    await writeFile(file, '')
    expect(await domainError([], { ...testEnvironment, GUICHET_DATA_DIR: file, PORT: '0' })).toContain(
      `The data folder ${file} cannot be made`,
    )
    await mkdir(join(dataDir, 'secret'))
    expect(await domainError(['gateway'], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: '0' })).toMatch(
      /EISDIR/,
    )
  })

  test('on a data folder in use, whose owner goes on', { timeout: 60_000 }, async () => {
    const dataDir = await ownDataDir({ prepared: true })
    const [port, other] = await freePorts(2)
    const environment = { ...testEnvironment, GUICHET_DATA_DIR: dataDir }
    const first = await startProcess(['start'], { ...environment, PORT: String(port) })
    onTestFinished(first.kill)
    const said = await domainError([], { ...environment, PORT: String(other) })
    expect(said).toContain(dataDir)
    expect(said).toContain(`process id ${first.child.pid}`)
    await signIn(`http://127.0.0.1:${port}`)
    expect(await first.stop()).toBe(0)
  })
})

describe('production', () => {
  const production = {
    ...bare,
    NODE_ENV: 'production',
    GUICHET_SECRET: secret('master secret'),
    GUICHET_APP_URL: 'http://localhost:8000',
  }

  test('wants ADMIN_PASSWORD for the first start, and knows no admin/admin', { timeout: 60_000 }, async () => {
    const dataDir = await ownDataDir()
    const ports = await freePorts(4)
    const environment = {
      ...production,
      GUICHET_DATA_DIR: dataDir,
      API_GATEWAY_PORT: String(ports[0]),
      AUTH_SERVICE_PORT: String(ports[1]),
      USER_SERVICE_PORT: String(ports[2]),
      ORDERS_SERVICE_PORT: String(ports[3]),
    }
    expect(await domainError(['shop'], environment)).toContain('ADMIN_PASSWORD')
    const password = secret('password')
    const shop = await startProcess(['start', 'shop'], { ...environment, ADMIN_PASSWORD: password })
    onTestFinished(shop.kill)
    expect(shop.stdout()).not.toContain('admin / admin')
    const base = `http://127.0.0.1:${ports[0]}`
    await signIn(base, { username: 'admin', password })
    const demo = await call(base, 'POST', '/auth/login', { body: { username: 'admin', password: 'admin' } })
    expect({ status: demo.status, code: demo.body.error.code }).toEqual({ status: 401, code: 'INVALID_CREDENTIALS' })
    expect((await call(base, 'GET', '/products')).body.data).toEqual([])
    // A proxy in front speaks for strangers; what this machine itself asks needs no token.
    const stranger = await fetch(`${base}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.7' } })
    expect(stranger.status).toBe(404)
    expect(await shop.stop()).toBe(0)
    // The password is wanted once only.
    const again = await startProcess(['start', 'shop'], environment)
    await signIn(base, { username: 'admin', password })
    expect(await again.stop()).toBe(0)
  })
})

describe('a database server of somebody else', () => {
  const identity = freshDatabase('refused_identity')
  const profiles = freshDatabase('refused_profiles')
  const orders = freshDatabase('refused_orders')
  const shared = freshDatabase('refused_shared')

  const environmentOf = async (urls: { identity: string; profiles: string; orders: string }) => {
    const [port] = await freePorts(1)
    const environment = {
      ...testEnvironment,
      GUICHET_DATA_DIR: await ownDataDir(),
      IDENTITY_DATABASE_URL: urls.identity,
      PROFILES_DATABASE_URL: urls.profiles,
      ORDERS_DATABASE_URL: urls.orders,
      PORT: String(port),
    }
    return { environment, base: `http://127.0.0.1:${port}` }
  }

  test('is changed by `guichet migrate` only, and then serves', { timeout: 90_000 }, async () => {
    const { environment, base } = await environmentOf({
      identity: identity.url,
      profiles: profiles.url,
      orders: orders.url,
    })
    expect(await domainError([], environment)).toContain('guichet -- migrate')
    for (const { url } of [identity, profiles, orders]) expect(await tablesOf(url)).toEqual([])

    const migrated = await runCommand(['migrate'], environment)
    expect(migrated.code, migrated.stderr).toBe(0)
    const first = await startProcess(['start'], environment)
    onTestFinished(first.kill)
    const token = await signIn(base)
    const order = { token, body: { items: [{ product_id: 1, quantity: 1 }] } }
    expect((await call(base, 'POST', '/orders', order)).status).toBe(201)
    expect(await first.stop()).toBe(0)

    // One migration behind, as after an upgrade.
    await execute(
      orders.url,
      'DROP TABLE outbox_events, inbox_events, inbox_positions, dead_letters; DELETE FROM schema_migrations WHERE id = 2',
    )
    const said = await domainError([], environment)
    expect(said).toMatch(/orders lacks 1 migration \(\S*outbox/)
    expect(said).toContain('guichet -- migrate')
    const upgraded = await runCommand(['migrate'], environment)
    expect(upgraded.code, upgraded.stderr).toBe(0)
    expect(upgraded.stdout).toMatch(/identity: up to date\n(.*\n)*orders: applied .*outbox/)
    const second = await startProcess(['start'], environment)
    onTestFinished(second.kill)
    expect((await call(base, 'GET', '/orders', { token: await signIn(base) })).body.count).toBe(1)
    expect(await second.stop()).toBe(0)
  })

  test('under one URL for all services has a schema for each', { timeout: 60_000 }, async () => {
    const { url } = shared
    const { environment, base } = await environmentOf({ identity: url, profiles: url, orders: url })
    const migrated = await runCommand(['migrate'], environment)
    expect(migrated.code, migrated.stderr).toBe(0)
    const shop = await startProcess(['start'], environment)
    onTestFinished(shop.kill)
    const token = await signIn(base)
    expect((await call(base, 'GET', '/users/profile', { token })).status).toBe(200)
    const tables = await tablesOf(url)
    expect(tables).toEqual(expect.arrayContaining(['identity.accounts', 'profiles.profiles', 'orders.orders']))
    expect(new Set(tables.map((name) => name.split('.', 1)[0]))).toEqual(new Set(['identity', 'profiles', 'orders']))
    expect(await shop.stop()).toBe(0)
  })
})

async function tablesOf(url: string): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    url,
    new URL(url).pathname.slice(1),
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}
