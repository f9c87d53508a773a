import { secret, variablesOf } from '../../../tests/support/deployment-scenarios.ts'
import { deployment } from './deployment.ts'

variablesOf('shop', deployment, [
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
])
