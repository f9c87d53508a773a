import { systemClock } from '../../platform/clock.ts'
import type { Contract, HealthReport } from '../_kit/contract.ts'

/** Users are accounts as well: neither of their services works without the other. */
export const healthRoutes: Contract['healthRoutes'] = [
  { url: '/health', of: 'gateway' },
  { url: '/health/detailed', of: 'gateway' },
  { url: '/health/detailed', of: 'profiles', asks: ['identity'] },
  { url: '/users/health', of: 'profiles', asks: ['identity'] },
  { url: '/auth/health', of: 'identity' },
]

const stateOf = (up: boolean) => (up ? 'healthy' : 'unhealthy')

/** What a gateway or a service says of itself and of what it depends on: 503 as soon as one of them does not answer. */
export function health(report: HealthReport): { status: number; body: object } {
  const { of, url, redis, services, uptimeSeconds, version, development } = report
  // A gateway that many contracts share may know of services that the portal does without.
  const working = services.identity !== false && services.profiles !== false
  const healthy = working && redis
  const environment = development ? 'development' : 'production'
  const process = { version, uptime: uptimeSeconds, memory: memory() }
  const detailed = url === '/health/detailed'
  const body = {
    status: stateOf(healthy),
    timestamp: new Date(systemClock.now()).toISOString(),
    service: nameOf(report),
    ...((of === 'gateway' || detailed) && { environment }),
    ...((of !== 'gateway' || detailed) && process),
    ...(of === 'gateway'
      ? { services: { 'user-service': stateOf(working), redis: stateOf(redis) } }
      : { dependencies: { database: stateOf(working), redis: stateOf(redis) } }),
  }
  return { status: healthy ? 200 : 503, body }
}

function nameOf({ of, serviceName = 'user-service' }: HealthReport): string {
  if (of === 'gateway') return 'rncp-api-gateway'
  return of === 'identity' ? 'auth-service' : serviceName
}

/** What this process holds, in bytes. */
function memory() {
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  return { rss, heapTotal, heapUsed }
}
