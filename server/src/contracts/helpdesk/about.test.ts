import { expect, test } from 'vitest'
import type { HealthReport } from '../_kit/contract.ts'
import { health } from './about.ts'

const report: HealthReport = {
  of: 'identity',
  url: '/health',
  serviceName: undefined,
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

test('the user service tells of its own database, of Redis and of the auth service', () => {
  const whole: HealthReport = { ...report, of: 'profiles', services: { identity: true, profiles: true } }
  const dependencies = { database: 'connected', redis: 'connected', authService: 'connected' }
  const { status, body } = health(whole)
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      success: true,
      service: 'user-service',
      status: 'healthy',
      version: '1.0.0',
      timestamp: expect.any(String),
      dependencies,
    },
  })
  const parts = {
    database: { services: { identity: true, profiles: false } },
    redis: { redis: false },
    authService: { services: { identity: false, profiles: true } },
  }
  for (const [part, change] of Object.entries(parts)) {
    const down = health({ ...whole, healthy: false, ...change })
    expect(down).toMatchObject({
      status: 503,
      body: { success: false, status: 'unhealthy', dependencies: { ...dependencies, [part]: 'disconnected' } },
    })
    expect(down.body.message).toBe(down.body.error)
  }
})
