import { systemClock } from '../../platform/clock.ts'
import { contract, type HealthReport } from '../_kit/contract.ts'
import { accountPages } from '../_kit/pages/routes.ts'
import { deployment } from './deployment.ts'
import { documentation } from './documentation.ts'
import { errors, failure } from './errors.ts'
import { identityRoutes } from './identity.ts'
import { meRoutes } from './me.ts'
import { metrics } from './metrics.ts'
import { realm } from './realm.ts'
import { recoveryRoutes } from './recovery.ts'
import { usersRoutes } from './users.ts'
import { Failure } from './wire.ts'

/** Users who belong to tenants, their sign-in and their administration: the contract on port 5000. */
export const tenants = contract({
  name: 'tenants',
  title: 'User Service',
  realm,
  routes: [...identityRoutes, ...recoveryRoutes, ...meRoutes, ...usersRoutes, ...accountPages(realm)],
  errors,
  limits: {
    credentials: { points: 5, seconds: 60 },
    mail: { points: 5, seconds: 60 },
    write: { points: 300, seconds: 60 },
    read: { points: 600, seconds: 60 },
    metrics: { points: 10, seconds: 60 },
  },
  bodyLimit: 64 * 1024,
  // Clients of token libraries send no body, or an empty one called JSON, where only the Bearer counts.
  bodies: 'empty',
  failure,
  failureSchema: Failure,
  documentation,
  healthRoutes: [
    { url: '/health', of: 'identity' },
    { url: '/api/v1/health', of: 'identity' },
  ],
  health,
  deployment,
  metrics,
})

function health({ healthy, version }: HealthReport) {
  const timestamp = new Date(systemClock.now()).toISOString()
  const status = healthy ? 'healthy' : 'unhealthy'
  return { status: healthy ? 200 : 503, body: { status, service: 'user-service', version, timestamp } }
}
