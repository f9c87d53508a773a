import { expect, test } from 'vitest'
import type { HealthReport } from '../_kit/contract.ts'
import { health, healthRoutes } from './about.ts'

const report: HealthReport = {
  of: 'gateway',
  url: '/health',
  serviceName: undefined,
  healthy: true,
  redis: true,
  version: '1.0.0',
  instanceId: 'one',
  uptimeSeconds: 5,
  development: false,
  services: { identity: true, profiles: true },
}
const reports = healthRoutes.map(({ url, of }) => ({ ...report, url, of }))

test('whatever is down makes every health 503, and each says which', () => {
  const cases = [
    [{ services: { identity: false, profiles: true } }, 'unhealthy', 'healthy'],
    [{ services: { identity: true, profiles: false } }, 'unhealthy', 'healthy'],
    [{ redis: false }, 'healthy', 'unhealthy'],
  ] as const
  for (const one of reports) {
    expect(health(one), one.url).toMatchObject({ status: 200, body: { status: 'healthy' } })
    for (const [down, service, redis] of cases) {
      const dependency =
        one.of === 'gateway' ? { services: { 'user-service': service } } : { dependencies: { database: service } }
      const { status, body } = health({ ...one, healthy: false, ...down })
      expect(status).toBe(503)
      expect(body).toMatchObject({ status: 'unhealthy', ...dependency })
      expect(Object.values(body).flatMap((part: { redis?: string }) => part?.redis ?? [])).toEqual([redis])
    }
  }
})

test('a gateway is not down for a service that the portal does without', () => {
  const { status } = health({ ...report, healthy: false, services: { identity: true, profiles: true, orders: false } })
  expect(status).toBe(200)
})

test('each says its own name; that of the user service can be set', () => {
  const names = (serviceName: string | undefined) =>
    reports.map((one) => (health({ ...one, serviceName }).body as { service: string }).service)
  const gateway = ['rncp-api-gateway', 'rncp-api-gateway']
  expect(names(undefined)).toEqual([...gateway, 'user-service', 'user-service', 'auth-service'])
  expect(names('users-2')).toEqual([...gateway, 'users-2', 'users-2', 'auth-service'])
})
