import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { load, secret, variablesOf } from '../../../tests/support/deployment-scenarios.ts'
import { deployment } from './deployment.ts'
import { helpdesk } from './index.ts'

variablesOf('helpdesk', deployment, [
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
])

test('a unit alone and the whole topology find a service in one and the same place', () => {
  const env = { DATABASE_URL: 'postgresql://u:p@h/helpdesk' }
  const whole = load(env, 'helpdesk').databaseUrls
  expect(load(env, 'helpdesk/auth-service').databaseUrls?.identity).toBe(whole?.identity)
  expect(load(env, 'helpdesk/user-service').databaseUrls?.profiles).toBe(whole?.profiles)
  expect(whole?.identity).not.toBe(whole?.profiles)
})

test('half a limit leaves the other half as the contract has it', () => {
  const { overrides } = load({ HELPDESK_LIMIT_READ_WINDOW: '1h' }, 'helpdesk')
  expect(overrides.helpdesk).toEqual({ limits: { read: { ...helpdesk.limits.read, seconds: 3_600 } } })
})

test('there is a log file for each process, unless none is wanted', () => {
  const { logFile } = load({}, 'helpdesk/auth-service')
  expect(logFile).toEqual({ path: resolve('logs/auth-service.log'), sizeBytes: 10_485_760, count: 10 })
  expect(load({ GUICHET_LOG_FILE: 'none' }, 'helpdesk').logFile).toBeUndefined()
  // Two processes must not write one file.
  expect(load({}, 'helpdesk').logFile?.path).toBe(resolve('logs/helpdesk.log'))
  expect(load({}, 'helpdesk/user-service').logFile?.path).toBe(resolve('logs/user-service.log'))
})
