import { expect, test } from 'vitest'
import { load, secret, variablesOf } from '../../../tests/support/deployment-scenarios.ts'
import { deployment } from './deployment.ts'

variablesOf('clients', deployment, [
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
  { env: { METRICS_TOKEN: secret }, gives: { metricsToken: secret } },
])

test('our own name for a database wins over the parts that the clients name it by', () => {
  const url = 'postgresql://u:p@own/identity'
  expect(load({ IDENTITY_DATABASE_URL: url, DATABASE_HOST: 'db' }, 'clients').databaseUrls?.identity).toBe(url)
})

test.each([{ DATABASE_HOST: 'not a host' }, { DATABASE_PORT: 'x' }])('%j is a problem', (env) => {
  expect(() => load(env, 'clients')).toThrow(Object.keys(env)[0])
})
