import type { Contract, HealthReport, ServiceName } from '../_kit/contract.ts'
import { errors } from './errors.ts'
import { identityRoutes } from './identity.ts'
import { ordersRoutes } from './orders.ts'
import { profilesRoutes } from './profiles.ts'
import { terms } from './terms.ts'
import { Failure } from './wire.ts'

/** Gateway, sign-in, users, and products with orders: the contract on ports 8000 to 8003. */
export const shop: Contract = {
  name: 'shop',
  title: 'Shop',
  terms,
  routes: [...identityRoutes, ...profilesRoutes, ...ordersRoutes],
  errors,
  limits: { credentials: 60, write: 1_200, read: 12_000 },
  bodyLimit: 256 * 1024,
  bodies: 'empty',
  failure: ({ code, message }) => ({ success: false, error: { code, message } }),
  failureSchema: Failure,
  healthRoutes: [
    { url: '/health', of: 'gateway' },
    { url: '/health', of: 'identity' },
    { url: '/auth/health', of: 'identity' },
    { url: '/health', of: 'profiles' },
    { url: '/health', of: 'orders' },
  ],
  health,
}

/** The shop's words for the services. */
const shortNames = { identity: 'auth', profiles: 'user', orders: 'orders' } as const satisfies Record<
  ServiceName,
  string
>

function health({ of, healthy, services }: HealthReport) {
  const status = healthy ? 200 : 503
  if (of !== 'gateway') {
    return { status, body: { status: healthy ? 'healthy' : 'unhealthy', service: `${shortNames[of]}-service` } }
  }
  const names = Object.entries(services) as [ServiceName, boolean][]
  const states = Object.fromEntries(names.map(([name, up]) => [shortNames[name], up ? 'up' : 'down']))
  return { status, body: { status: healthy ? 'healthy' : 'degraded', service: 'api-gateway', services: states } }
}
