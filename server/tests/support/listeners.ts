import type { Config } from '../../src/config/config.ts'
import type { Contract, Route } from '../../src/contracts/_kit/contract.ts'
import { createDeviceCookies } from '../../src/contracts/_kit/cookies.ts'
import { contracts } from '../../src/contracts/registry.ts'
import { createUploads } from '../../src/gateway/edge/upload.ts'
import { createListener, type ListenerOptions } from '../../src/gateway/listener.ts'
import { createMetrics } from '../../src/platform/http/metrics.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { hmac } from '../../src/platform/secrets.ts'

/** Listeners without a process around them: what their tests leave as it is. */

export const serviceToken = 's'.repeat(32)

const statuses: Readonly<Record<string, number>> = {
  'edge.missing_token': 401,
  'edge.invalid_token': 401,
  'edge.forbidden': 403,
  'edge.not_found': 404,
  'edge.request_timeout': 408,
  'edge.rate_limited': 429,
  'edge.internal': 500,
  'edge.bad_gateway': 502,
  'edge.unavailable': 503,
  'edge.timeout': 504,
  'profiles.busy': 503,
}
const [some] = Object.values(contracts)

/** A contract with routes of its own that answers each error by its code. */
export const plainContract = (routes: readonly Route[], more: Partial<Contract> = {}): Contract => ({
  ...some!,
  name: 'plain',
  errors: Object.fromEntries(
    Object.keys(some!.errors).map((code) => [code, { status: statuses[code] ?? 400, code, message: code }]),
  ) as unknown as Contract['errors'],
  failure: ({ code }, details) => ({ code, details }),
  healthRoutes: [],
  routes,
  ...more,
})

export const listenerOptions = (contract: Contract, more: Partial<ListenerOptions> = {}): ListenerOptions => ({
  unit: { name: 'gateway', host: '127.0.0.1', port: 0, services: ['identity', 'profiles', 'orders'], gateway: true },
  contracts: [contract],
  local: {},
  upstreams: {},
  probes: {},
  verifierOf: () => ({ verify: () => Promise.reject(new Error('no token is expected')), verifySeen: () => undefined }),
  limiter: { count: async () => undefined, giveBack: async () => undefined, check: async () => undefined },
  devices: createDeviceCookies(Buffer.alloc(32), { secure: true }),
  requestDigest: (text) => hmac(Buffer.alloc(32, 7), text),
  uploads: createUploads({ directory: '/dev/null/uploads' }),
  serviceToken,
  probeRedis: undefined,
  metrics: createMetrics(),
  internal: undefined,
  open: () => undefined,
  config: { trustedProxies: [], corsOrigins: [], instanceId: 'test-1', hosts: new Map() } as unknown as Config,
  log: silentLogger(),
  ...more,
})

/** A listener with a contract's routes, whose services are asked nothing. */
export const mounted = (contract: Contract, more: Partial<ListenerOptions> = {}) =>
  createListener(
    listenerOptions(contract, {
      local: { identity: {}, profiles: {}, orders: {} } as ListenerOptions['local'],
      ...more,
    }),
  )
