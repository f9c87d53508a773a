import { describe, expect, test } from 'vitest'
import { type Config, loadConfig } from './config.ts'
import { contracts } from './contracts/registry.ts'
import type { Environment } from './environment.ts'
import { planOf, topologies } from './topologies.ts'

const development: Environment = { GUICHET_DEV: 'true' }
const secret = 'y'.repeat(32)
const load = (env: Environment, word: string) => loadConfig({ ...development, ...env }, planOf([word]))

interface Scenario {
  env: Environment
  gives: { [Key in keyof Config]?: unknown }
  /** Where it gives that; the whole topology and its last unit when absent. */
  words?: readonly string[]
}

/** What each seed's variables come to in its own topology. */
const scenarios: Readonly<Record<string, readonly Scenario[]>> = {
  shop: [
    { env: { JWT_SECRET: secret }, gives: { contractSecrets: { shop: secret } } },
    { env: { ADMIN_PASSWORD: 'pw' }, gives: { adminPasswords: { shop: 'pw' } } },
    { env: { CORS_ORIGIN: 'https://a.example' }, gives: { corsOrigins: ['https://a.example'] } },
    { env: { UPSTREAM_TIMEOUT_MS: '900' }, gives: { upstreamTimeoutMs: 900 } },
    {
      env: { PASSWORD_ALGORITHM: 'pbkdf2-sha256' },
      gives: { hashing: { algorithm: 'pbkdf2-sha256', rounds: 600_000 } },
    },
    { env: { AUTH_SERVICE_URL: 'http://auth:1' }, gives: { serviceUrls: { identity: 'http://auth:1' } } },
    { env: { USER_SERVICE_URL: 'http://user:1' }, gives: { serviceUrls: { profiles: 'http://user:1' } } },
    { env: { ORDERS_SERVICE_URL: 'http://orders:1' }, gives: { serviceUrls: { orders: 'http://orders:1' } } },
  ],
  clients: [
    {
      env: { DATABASE_HOST: 'db' },
      gives: { databaseUrls: { identity: 'postgresql://postgres:postgres@db:5433/clients_db' } },
    },
    {
      env: { DATABASE_PORT: '5432' },
      gives: { databaseUrls: { identity: 'postgresql://postgres:postgres@localhost:5432/clients_db' } },
    },
    {
      env: { DATABASE_USERNAME: 'me', DATABASE_PASSWORD: 'p@ss/w:rd', DATABASE_NAME: 'a b', DATABASE_HOST: '::1' },
      gives: { databaseUrls: { identity: 'postgresql://me:p%40ss%2Fw%3Ard@[::1]:5433/a%20b' } },
    },
    { env: { JWT_SECRET_KEY: secret }, gives: { contractSecrets: { clients: secret } } },
    { env: { SMTP_HOST: 'mail' }, gives: { smtp: { host: 'mail', port: 1_025, tls: 'opportunistic' } } },
    { env: { SMTP_PORT: '25' }, gives: { smtp: { host: 'localhost', port: 25, tls: 'opportunistic' } } },
    { env: { MAIL_FROM: 'a@b.example' }, gives: { mailFrom: 'a@b.example' } },
    { env: { APP_URL: 'https://app.example' }, gives: { appUrl: 'https://app.example' } },
    { env: { INSTANCE_ID: 'clients-2' }, gives: { instanceId: 'clients-2' } },
    { env: { DB_POOL: '5' }, gives: { poolSize: 5 } },
  ],
  helpdesk: [
    {
      env: { DATABASE_URL: 'postgresql://u:p@h/auth_db' },
      gives: { databaseUrls: { identity: 'postgresql://u:p@h/auth_db?options=-c+search_path%3Dpublic' } },
      words: ['helpdesk', 'helpdesk/auth-service'],
    },
    {
      env: { DATABASE_URL: 'postgresql://u:p@h/user_db' },
      gives: { databaseUrls: { profiles: 'postgresql://u:p@h/user_db?options=-c+search_path%3Dprofiles' } },
    },
    { env: { AUTH_SERVICE_URL: 'http://auth:3001/' }, gives: { serviceUrls: { identity: 'http://auth:3001' } } },
    { env: { AUTH_SERVICE_TIMEOUT: '800' }, gives: { upstreamTimeoutMs: 800 } },
    { env: { UPLOAD_MAX_SIZE: '1048576' }, gives: { uploadMaxBytes: 1_048_576 } },
    { env: { DB_POOL_MAX: '7' }, gives: { poolSize: 7 } },
    {
      env: { RATE_LIMIT_WINDOW: '60000', RATE_LIMIT_MAX: '9' },
      gives: {
        overrides: { helpdesk: { limits: { write: { points: 9, seconds: 60 }, read: { points: 9, seconds: 60 } } } },
      },
    },
    { env: { JWT_SECRET: secret }, gives: { contractSecrets: { helpdesk: secret } } },
    { env: { JWT_EXPIRES_IN: '2h' }, gives: { overrides: { helpdesk: { accessTtl: 7_200 } } } },
    { env: { REFRESH_TOKEN_EXPIRES_IN: '7d' }, gives: { overrides: { helpdesk: { refreshTtl: 604_800 } } } },
    {
      env: { MAX_LOGIN_ATTEMPTS: '3', LOCK_TIME: '60000' },
      gives: { overrides: { helpdesk: { lockout: { failures: 3, seconds: 60 } } } },
    },
    { env: { LOCK_TIME: '15m' }, gives: { overrides: { helpdesk: { lockout: { seconds: 900 } } } } },
    {
      env: { RATE_LIMIT_WINDOW_MS: '900000', RATE_LIMIT_MAX_REQUESTS: '100' },
      gives: {
        overrides: {
          helpdesk: { limits: { write: { points: 100, seconds: 900 }, read: { points: 100, seconds: 900 } } },
        },
      },
    },
    {
      env: { AUTH_RATE_LIMIT_WINDOW_MS: '180000', AUTH_RATE_LIMIT_MAX: '15' },
      gives: {
        overrides: {
          helpdesk: { limits: { credentials: { points: 15, seconds: 180 }, mail: { points: 15, seconds: 180 } } },
        },
      },
    },
    { env: { CORS_ORIGIN: 'http://a:1,http://b:2' }, gives: { corsOrigins: ['http://a:1', 'http://b:2'] } },
    { env: { CORS_ORIGINS: 'http://c:3' }, gives: { corsOrigins: ['http://c:3'] } },
    { env: { USER_SERVICE_URL: 'http://user:3002/' }, gives: { serviceUrls: { profiles: 'http://user:3002' } } },
    { env: { USER_SERVICE_TIMEOUT: '700' }, gives: { upstreamTimeoutMs: 700 } },
  ],
  portal: [
    {
      env: { DB_PASSWORD: 'p' },
      gives: {
        databaseUrls: {
          identity: 'postgresql://rncp_user:p@localhost:5432/rncp_db?options=-c+search_path%3Dpublic',
          profiles: 'postgresql://rncp_user:p@localhost:5432/rncp_db?options=-c+search_path%3Dprofiles',
        },
      },
    },
    {
      env: { DB_HOST: 'db', DB_PORT: '5433', DB_USER: 'u', DB_PASSWORD: 'p', DB_NAME: 'n' },
      gives: { databaseUrls: { identity: expect.stringMatching(/^postgresql:\/\/u:p@db:5433\/n\?/) } },
    },
    { env: { JWT_SECRET: secret }, gives: { contractSecrets: { portal: secret } } },
    {
      env: { USER_SERVICE_URL: 'http://rncp-user-service:3001' },
      gives: {
        serviceUrls: { identity: 'http://rncp-user-service:3001', profiles: 'http://rncp-user-service:3001' },
      },
      words: ['portal', 'portal/rncp-api-gateway'],
    },
    { env: { PROXY_TIMEOUT_MS: '1000' }, gives: { upstreamTimeoutMs: 1_000 } },
    { env: {}, gives: { upstreamTimeoutMs: 30_000 } },
    { env: { SERVICE_NAME: 'user-service' }, gives: { serviceName: 'user-service' } },
    {
      env: { FRONTEND_URL: 'https://front.example/' },
      gives: { corsOrigins: [expect.any(RegExp), 'https://front.example'] },
    },
  ],
  tenants: [
    { env: { DATABASE_URL: 'postgres://u:p@h/t' }, gives: { databaseUrls: { identity: 'postgres://u:p@h/t' } } },
    { env: { SECRET_KEY: secret }, gives: { secret } },
    { env: { JWT_SECRET_KEY: secret }, gives: { contractSecrets: { tenants: secret } } },
    {
      env: { MAIL_SERVER: 'mail', MAIL_PORT: '587', MAIL_USERNAME: 'u', MAIL_PASSWORD: 'p' },
      gives: { smtp: { host: 'mail', port: 587, username: 'u', password: 'p', tls: 'opportunistic' } },
    },
    { env: { MAIL_DEFAULT_SENDER: 'T <t@t.example>' }, gives: { mailFrom: 'T <t@t.example>' } },
    { env: { APP_URL: 'https://app.example' }, gives: { appUrl: 'https://app.example' } },
    { env: { JWT_ACCESS_TOKEN_EXPIRES: '900' }, gives: { overrides: { tenants: { accessTtl: 900 } } } },
    { env: { JWT_REFRESH_TOKEN_EXPIRES: '30d' }, gives: { overrides: { tenants: { refreshTtl: 2_592_000 } } } },
    { env: { RATELIMIT_ENABLED: 'false' }, gives: { unlimited: ['tenants'] } },
    { env: { CORS_ORIGINS: 'https://a.example' }, gives: { corsOrigins: ['https://a.example'] } },
  ],
}

test('every contract with a topology of its own has its scenarios', () => {
  expect(Object.keys(scenarios).sort()).toEqual(
    topologies
      .map(({ name }) => name)
      .filter((name) => name in contracts)
      .sort(),
  )
})

for (const [name, list] of Object.entries(scenarios)) {
  describe(name, () => {
    const { units } = topologies.find((topology) => topology.name === name) ?? { units: [] }
    test.each(list)('$env', ({ env, gives, words = [name, `${name}/${units.at(-1)?.name}`] }) => {
      for (const word of words) expect(load(env, word)).toMatchObject(gives)
    })

    test.each(list)('$env changes nothing elsewhere', ({ env }) => {
      const others = topologies.filter((other) => other.name !== name && !sharesAName(other.name, env))
      expect(others.some((other) => other.name === 'all')).toBe(true)
      for (const other of others) expect(load(env, other.name)).toEqual(load({}, other.name))
      expect(load(env, 'identity')).toEqual(load({}, 'identity'))
    })
  })
}

/** True when the other seed has a variable of the same name. */
const sharesAName = (other: string, env: Environment): boolean =>
  Object.keys(env).some((variable) => namesOf(other).has(variable))

const namesOf = (topology: string) => new Set((scenarios[topology] ?? []).flatMap(({ env }) => Object.keys(env)))

test('our own name for a database wins over the parts that the clients name it by', () => {
  const url = 'postgresql://u:p@own/identity'
  expect(load({ IDENTITY_DATABASE_URL: url, DATABASE_HOST: 'db' }, 'clients').databaseUrls?.identity).toBe(url)
})

test.each([{ DATABASE_HOST: 'not a host' }, { DATABASE_PORT: 'x' }])('%j is a problem', (env) => {
  expect(() => load(env, 'clients')).toThrow(Object.keys(env)[0])
})

test('what is missing is called by both names', () => {
  expect(() => loadConfig({ REDIS_URL: 'redis://r' }, planOf(['tenants']))).toThrow(
    /GUICHET_SECRET or SECRET_KEY is missing/,
  )
})

test('a unit alone and the whole topology find a service in one and the same place', () => {
  const env = { DATABASE_URL: 'postgresql://u:p@h/helpdesk' }
  const whole = load(env, 'helpdesk').databaseUrls
  expect(load(env, 'helpdesk/auth-service').databaseUrls?.identity).toBe(whole?.identity)
  expect(load(env, 'helpdesk/user-service').databaseUrls?.profiles).toBe(whole?.profiles)
  expect(whole?.identity).not.toBe(whole?.profiles)
})

test('the database of the portal wants a password', () => {
  expect(() => load({ DB_HOST: 'db' }, 'portal')).toThrow(/DB_PASSWORD is missing/)
})

test('outside development pages of the front end may call the portal, those of strangers not', () => {
  const production = { GUICHET_SECRET: secret, INTERNAL_SERVICE_TOKEN: secret, FRONTEND_URL: 'https://front.example' }
  expect(loadConfig(production, planOf(['portal'])).corsOrigins).toEqual([
    'http://localhost:3000',
    'http://localhost:5174',
    'https://front.example',
  ])
})
