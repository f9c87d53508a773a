import { expect, test } from 'vitest'
import { load, secret, variablesOf } from '../../../tests/support/deployment-scenarios.ts'
import { deployment } from './deployment.ts'

variablesOf('portal', deployment, [
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
])

test('the database of the portal wants a password', () => {
  expect(() => load({ DB_HOST: 'db' }, 'portal')).toThrow(/DB_PASSWORD is missing/)
})

test('outside development pages of the front end may call the portal, those of strangers not', () => {
  const production = {
    GUICHET_DEV: 'false',
    GUICHET_SECRET: secret,
    GUICHET_APP_URL: 'https://app.example',
    FRONTEND_URL: 'https://front.example',
  }
  expect(load(production, 'portal').corsOrigins).toEqual([
    'http://localhost:3000',
    'http://localhost:5174',
    'https://front.example',
  ])
})
