import { systemClock } from '../../platform/clock.ts'
import { contract, type HealthReport } from '../_kit/contract.ts'
import { accountPages } from '../_kit/pages/routes.ts'
import { accountRoutes } from './accounts.ts'
import { deployment } from './deployment.ts'
import { documentation } from './documentation.ts'
import { errors, failure } from './errors.ts'
import { metrics } from './metrics.ts'
import { profileRoutes } from './profile.ts'
import { realm } from './realm.ts'
import { signInRoutes } from './sign-in.ts'
import { Failure } from './wire.ts'

/** Registration, e-mail verification and sign-in with a mailed code: the contract on port 3001. */
export const clients = contract({
  name: 'clients',
  title: 'Clients',
  realm,
  routes: [...accountRoutes, ...signInRoutes, ...profileRoutes, ...accountPages(realm)],
  errors,
  limits: {
    credentials: { points: 10, seconds: 60 },
    mail: { points: 5, seconds: 60 },
    write: { points: 600, seconds: 60 },
    read: { points: 600, seconds: 60 },
    metrics: { points: 60, seconds: 60 },
  },
  bodyLimit: 64 * 1024,
  bodies: 'strict',
  failure,
  failureSchema: Failure,
  documentation,
  healthRoutes: [{ url: '/health', of: 'identity' }],
  health,
  deployment,
  browser: { origins: 'any' },
  hosting: { trailingSlash: true, instanceHeader: 'x-instance-id', referenceUrls: ['/swagger', '/swagger.html'] },
  metrics,
})

function health({ healthy, services, redis, version }: HealthReport) {
  return {
    status: healthy ? 200 : 503,
    body: {
      status: healthy ? 'healthy' : 'degraded',
      service: 'clients-service',
      version,
      timestamp: new Date(systemClock.now()).toISOString(),
      checks: { database: services.identity ?? false, redis },
    },
  }
}
