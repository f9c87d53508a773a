import { contract, type HealthReport } from '../_kit/contract.ts'
import { accountPages } from '../_kit/pages/routes.ts'
import type { ServiceName } from '../_kit/services.ts'
import { deployment } from './deployment.ts'
import { documentation } from './documentation.ts'
import { errors } from './errors.ts'
import { identityRoutes } from './identity.ts'
import { ordersRoutes } from './orders.ts'
import { profilesRoutes } from './profiles.ts'
import { realm } from './realm.ts'
import { Failure } from './wire.ts'

/** Gateway, sign-in, users, and products with orders: the contract on ports 8000 to 8003. */
export const shop = contract({
  name: 'shop',
  title: 'Shop',
  realm,
  routes: [...identityRoutes, ...profilesRoutes, ...ordersRoutes, ...accountPages(realm)],
  errors,
  limits: {
    credentials: { points: 60, seconds: 60 },
    mail: { points: 10, seconds: 60 },
    write: { points: 1_200, seconds: 60 },
    read: { points: 12_000, seconds: 60 },
    metrics: { points: 60, seconds: 60 },
  },
  bodyLimit: 256 * 1024,
  bodies: 'empty',
  failure: ({ code, message }) => ({ success: false, error: { code, message } }),
  failureSchema: Failure,
  documentation,
  healthRoutes: [
    { url: '/health', of: 'gateway' },
    { url: '/health', of: 'identity' },
    { url: '/auth/health', of: 'identity' },
    { url: '/health', of: 'profiles' },
    { url: '/health', of: 'orders' },
  ],
  health,
  deployment,
  hosting: { referenceUrls: ['/docs'] },
})

/** The shop's words for the services. */
const shortNames = { identity: 'auth', profiles: 'user', orders: 'orders' } as const satisfies Record<
  ServiceName,
  string
>

function health({ of, services }: HealthReport) {
  // Without Redis each process counts limits by itself; the shop knows no Redis and goes on.
  const healthy = Object.values(services).every(Boolean)
  const status = healthy ? 200 : 503
  if (of !== 'gateway') {
    return { status, body: { status: healthy ? 'healthy' : 'unhealthy', service: `${shortNames[of]}-service` } }
  }
  const names = Object.entries(services) as [ServiceName, boolean][]
  const states = Object.fromEntries(names.map(([name, up]) => [shortNames[name], up ? 'up' : 'down']))
  return { status, body: { status: healthy ? 'healthy' : 'degraded', service: 'api-gateway', services: states } }
}
