import { expect, test } from 'vitest'
import type { HealthReport } from '../_kit/contract.ts'
import { errors } from './errors.ts'
import { clients } from './index.ts'

const report: HealthReport = {
  of: 'identity',
  url: '/health',
  serviceName: undefined,
  healthy: true,
  services: { identity: true },
  redis: true,
  version: '1.0.0',
  instanceId: 'clients-1',
  uptimeSeconds: 1,
  development: false,
}

test('health is 503 and degraded, and says which check fails', () => {
  const cases = [
    [
      { healthy: false, redis: false },
      { database: true, redis: false },
    ],
    [
      { healthy: false, services: { identity: false } },
      { database: false, redis: true },
    ],
  ] as const
  for (const [change, checks] of cases) {
    const { status, body } = clients.health({ ...report, ...change })
    expect({ status, body }).toEqual({
      status: 503,
      body: {
        status: 'degraded',
        service: 'clients-service',
        version: '1.0.0',
        timestamp: expect.stringMatching(/^\d{4}-.+Z$/),
        checks,
      },
    })
  }
})

test('a refusal lists each of its problems once, in words', () => {
  const answer = errors['identity.email_invalid']
  const problems = ['identity.email_invalid', 'identity.username_invalid', 'identity.password_too_short']
  expect(clients.failure(answer, { problems }, { path: '/' })).toEqual({
    error: 'Registration failed',
    code: 'REGISTRATION_FAILED',
    details: ['Email is invalid', 'Password is too short (minimum is 8 characters)'],
  })
})

test('a limit is answered without details', () => {
  const answer = clients.errors['edge.rate_limited']
  expect(clients.failure(answer, { retryAfterSeconds: 3 }, { path: '/' })).toEqual({
    error: expect.stringMatching(/\S/),
    code: 'RATE_LIMITED',
  })
})

test('every failing answer is one of the statuses that its code stands for', () => {
  for (const { status, code } of Object.values(clients.errors)) {
    expect(status, code).toBeGreaterThanOrEqual(400)
    expect(status === 401, code).toBe(['UNAUTHORIZED', 'AUTH_FAILED', 'MFA_FAILED', 'REFRESH_FAILED'].includes(code))
    expect(status === 422, code).toBe(/^(REGISTRATION|VERIFICATION|RESEND)_FAILED$|^VALIDATION_ERROR$/.test(code))
  }
})
