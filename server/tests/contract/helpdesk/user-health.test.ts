import { describe, expect, inject, test } from 'vitest'
import { deployment } from '../../../src/contracts/helpdesk/deployment.ts'
import { call, expectFailure, helpdeskClient, time } from './client.ts'

const arrangement = inject('arrangement')
const { users } = helpdeskClient(arrangement)

test('H-03 the user service is on port 3002 unless told otherwise', () => {
  expect(deployment.units).toContainEqual(expect.objectContaining({ name: 'user-service', port: 3002 }))
})

if (arrangement.name === 'all')
  describe('on the shared gateway', () => {
    test("H-56 health is the gateway's own, and the path of the reference is not served", async () => {
      expect((await fetch(users.at('/health'))).status).toBe(200)
      expect((await fetch(users.at('/api/v1/health'))).status).toBe(404)
    })
  })

if (arrangement.name !== 'all')
  describe('on its own listener', () => {
    test('H-56 H-57 health tells what it really asked, the auth service too', async () => {
      for (const path of ['/health', '/api/v1/health']) {
        const answer = await users.get(path)
        expect(answer.status, answer.text).toBe(200)
        expect(answer.body).toEqual({
          success: true,
          service: 'user-service',
          status: 'healthy',
          version: '1.0.0',
          timestamp: expect.stringMatching(time),
          dependencies: { database: 'connected', redis: 'connected', authService: 'connected' },
        })
        expect(answer.headers.get('cache-control')).toBe('no-store')
      }
    })

    test('H-58 H-78 H-79 H-81 metrics tell of response times, memory, processor and errors by endpoint', async () => {
      await users.get('/api/profile/me')
      const text = async () => (await fetch(users.at('/metrics'))).text()
      await expect.poll(text).toMatch(/^http_requests_total\{.*endpoint="\/api\/profile\/me".*status="401".*\} [1-9]/m)
      const metrics = await text()
      expect(metrics).toMatch(/^http_request_duration_seconds_bucket\{.*endpoint="\/api\/profile\/me".*\} /m)
      expect(metrics).toMatch(/^process_cpu_seconds_total /m)
      expect(metrics).toMatch(/^process_resident_memory_bytes /m)
    })

    test('H-75 metrics tell of the connection pool', async () => {
      const metrics = await (await fetch(users.at('/metrics'))).text()
      expect(metrics).toMatch(/^guichet_database_connections\{database="profiles",state="(busy|idle)"\} \d+$/m)
    })

    test('H-53 an unknown path is 404 with path and method, before any token is looked at', async () => {
      for (const token of [undefined, 'nonsense']) {
        for (const [method, path] of [
          ['GET', '/nothing'],
          ['GET', '/api/users'],
          ['GET', '/api/auth/verify'],
          ['POST', '/api/auth/login'],
          ['POST', '/api/profile/nothing'],
        ] as const) {
          const answer = await call(method, users.at(`${path}?x=1`), { token })
          expectFailure(answer, 404, 'NOT_FOUND', { path, method })
        }
      }
    })

    test('H-53 a known path under another method is 405 with Allow', async () => {
      for (const [method, path, allowed] of [
        ['POST', '/api/profile/me', 'GET, PUT'],
        ['GET', '/api/profile/avatar', 'DELETE, POST'],
        ['GET', '/api/v1/users/x/role', 'PUT'],
      ] as const) {
        const answer = await call(method, users.at(path))
        expectFailure(answer, 405, 'METHOD_NOT_ALLOWED', { path, method })
        const allow = (answer.headers.get('allow') ?? '').split(/, */).filter((name) => name !== 'HEAD')
        expect(allow.sort().join(', ')).toBe(allowed)
      }
    })
  })

test('H-53 a body above the limit is 413', async () => {
  const { token } = await helpdeskClient(arrangement).register()
  const answer = await users.put('/api/profile/me', { token, json: { department: 'x'.repeat(300_000) } })
  expectFailure(answer, 413, 'PAYLOAD_TOO_LARGE')
})

test('H-47 every answer has the security headers, successes and failures', async () => {
  const { token } = await helpdeskClient(arrangement).register()
  for (const { headers } of [await users.get('/api/profile/me', { token }), await users.get('/api/profile/me')]) {
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toMatch(/^(DENY|SAMEORIGIN)$/)
    expect(headers.get('content-security-policy')).toEqual(expect.any(String))
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

test('H-48 browsers of the allowed origins may call with cookies, others are told nothing', async () => {
  const from = (origin: string, method = 'GET') =>
    fetch(users.at('/api/profile/me'), { method, headers: { origin, 'access-control-request-method': 'PUT' } })
  const preflight = await from('http://localhost:3000', 'OPTIONS')
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
  expect(preflight.headers.get('access-control-allow-credentials')).toBe('true')
  expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
  expect((await from('http://localhost:3000')).headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
  for (const method of ['GET', 'OPTIONS']) {
    expect((await from('https://evil.example', method)).headers.get('access-control-allow-origin')).toBeNull()
  }
})
