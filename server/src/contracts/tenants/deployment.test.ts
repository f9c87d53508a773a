import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { load, secret, variablesOf } from '../../../tests/support/deployment-scenarios.ts'
import { deployment } from './deployment.ts'

variablesOf('tenants', deployment, [
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
])

test('what is missing is called by both names', () => {
  expect(() => load({ GUICHET_DEV: 'false', REDIS_URL: 'redis://r' }, 'tenants')).toThrow(
    /GUICHET_SECRET or SECRET_KEY is missing/,
  )
})

const production = {
  GUICHET_DEV: 'false',
  GUICHET_SECRET: secret,
  REDIS_URL: 'redis://r',
  GUICHET_APP_URL: 'https://app.example',
}

test('outside development limits are counted in Redis', () => {
  expect(() => load({ ...production, REDIS_URL: '' }, 'tenants')).toThrow(
    /REDIS_URL is missing: outside development the limits of tenants/,
  )
  expect(load(production, 'tenants').unlimited).toEqual([])
  expect(() => load({ ...production, RATELIMIT_ENABLED: 'false' }, 'tenants')).toThrow(/RATELIMIT_ENABLED/)
})

test('the first user administers it in development, or where that is asked for', () => {
  const first = (env: Readonly<Record<string, string>>, word = 'tenants') =>
    load(env, word).overrides.tenants?.firstBecomesAdministrator
  expect(first({})).toBe(true)
  expect(first(production)).toBe(false)
  expect(first({ ...production, TENANTS_FIRST_USER: 'vendor_admin' })).toBe(true)
  expect(first({ ...production, TENANTS_FIRST_USER: 'vendor_admin' }, 'all')).toBe(true)
  expect(() => load({ ...production, TENANTS_FIRST_USER: 'king' }, 'tenants')).toThrow(/TENANTS_FIRST_USER/)
  expect(load({}, 'shop').overrides).toEqual({})
})

test('the log has a file of its own', () => {
  expect(load({}, 'tenants').logFile?.path).toBe(resolve('logs/user_service.log'))
})
