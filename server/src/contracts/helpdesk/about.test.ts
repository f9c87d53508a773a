import { expect, test } from 'vitest'
import type { HealthReport } from '../_kit/contract.ts'
import { health } from './about.ts'

const report: HealthReport = {
  of: 'identity',
  healthy: true,
  redis: true,
  version: '1.0.0',
  instanceId: 'one',
  uptimeSeconds: 5,
  development: false,
  services: { identity: true },
}

test('a dependency that is down makes health 503, and says which', () => {
  const down = { ...report, healthy: false }
  expect(health({ ...down, services: { identity: false } })).toMatchObject({
    status: 503,
    body: { success: false, status: 'unhealthy', database: { postgres: 'disconnected', redis: 'connected' } },
  })
  const { status, body } = health({ ...down, redis: false })
  expect(status).toBe(503)
  expect(body).toMatchObject({ success: false, database: { postgres: 'connected', redis: 'disconnected' } })
  expect(body.message).toBe(body.error)
})

test('on a host that serves the whole helpdesk the other services are told of', () => {
  const whole = health({ ...report, of: 'gateway', services: { identity: true, profiles: true } })
  const dependencies = { database: 'connected', redis: 'connected', authService: 'connected' }
  expect(whole).toMatchObject({ status: 200, body: { service: 'auth-service', dependencies } })
  expect(health(report).body).not.toHaveProperty('dependencies')
})
