import { describe, expect, inject, test } from 'vitest'
import { deployment } from '../../../src/contracts/helpdesk/deployment.ts'
import { helpdeskClient } from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)

test('H-02 the auth service is on port 3001 unless told otherwise', () => {
  expect(deployment.units).toContainEqual(expect.objectContaining({ name: 'auth-service', port: 3001 }))
})

test('H-56 the sign-in routes have a health of their own', async () => {
  const answer = await helpdesk.get('/api/auth/health')
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({ success: true, status: 'OK', service: 'auth-service', version: '1.0.0', timestamp })
})

if (arrangement.name === 'helpdesk')
  describe('on its own listener', () => {
    test('H-56 H-57 health tells what it really asked', async () => {
      const answer = await helpdesk.get('/health')
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual({
        success: true,
        status: 'healthy',
        service: 'auth-service',
        version: '1.0.0',
        timestamp,
        uptime: expect.any(Number),
        environment: 'development',
        database: { postgres: 'connected', redis: 'connected' },
      })
    })

    test('the documentation lists every endpoint', async () => {
      const answer = await helpdesk.get<{ endpoints: { method: string; path: string }[] }>('/api-docs')
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual({
        success: true,
        service: 'auth-service',
        version: '1.0.0',
        endpoints: expect.any(Array),
      })
      const listed = answer.body.endpoints.map(({ method, path }) => `${method} ${path}`)
      expect(listed.sort()).toEqual([
        'GET /api/auth/health',
        'GET /api/auth/me',
        'GET /api/auth/stats',
        'GET /api/auth/users/:userId',
        'GET /api/auth/users/email/:email',
        'GET /api/auth/verify',
        'POST /api/auth/forgot-password',
        'POST /api/auth/login',
        'POST /api/auth/logout',
        'POST /api/auth/logout-all',
        'POST /api/auth/refresh',
        'POST /api/auth/register',
        'POST /api/auth/reset-password',
        'POST /api/auth/verify',
      ])
    })
  })

test('H-58 H-78 H-79 H-81 metrics tell of response times, memory, processor and errors by endpoint', async () => {
  await helpdesk.get('/api/auth/verify')
  const text = async () => (await fetch(helpdesk.at('/metrics'))).text()
  await expect.poll(text).toMatch(/^http_requests_total\{.*endpoint="\/api\/auth\/verify".*status="401".*\} [1-9]/m)
  const metrics = await text()
  expect(metrics).toMatch(/^http_request_duration_seconds_bucket\{.*endpoint="\/api\/auth\/verify".*\} /m)
  expect(metrics).toMatch(/^process_cpu_seconds_total /m)
  expect(metrics).toMatch(/^process_resident_memory_bytes /m)
})

test('H-75 metrics tell of the connection pool', async () => {
  const metrics = await (await fetch(helpdesk.at('/metrics'))).text()
  expect(metrics).toMatch(/^guichet_database_connections\{database="identity",state="(busy|idle)"\} \d+$/m)
})
