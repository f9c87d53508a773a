import { describe, expect, inject, test } from 'vitest'
import { call, clientsClient, expectFailure, time } from './client.ts'

const arrangement = inject('arrangement')
const clients = clientsClient(arrangement)

test('C-06 C-10 a body that is not JSON is 400, in the form of the contract', async () => {
  const paths = [
    '/api/v1/clients',
    '/api/v1/auth/login',
    '/api/v1/auth/verify_mfa',
    '/api/v1/auth/refresh_token',
    '/api/v1/clients/me/verify_email',
  ]
  for (const path of paths) {
    for (const raw of ['{', '{"email":', "{'email':1}", 'email=a']) {
      const answer = await call('POST', clients.at(path), { raw, headers: { 'content-type': 'application/json' } })
      expectFailure(answer, 400, 'PARAMETER_MISSING', 0, `${path} ${raw}`)
    }
  }
})

test('C-06 a body of another type is 415, a huge one 413', async () => {
  const url = clients.at('/api/v1/clients')
  const xml = await call('POST', url, { raw: '<client/>', headers: { 'content-type': 'text/xml' } })
  expectFailure(xml, 415, 'UNSUPPORTED_MEDIA_TYPE')
  const huge = await call('POST', url, { json: { client: { name: 'x'.repeat(100_000) } } })
  expectFailure(huge, 413, 'PAYLOAD_TOO_LARGE')
})

test('C-06 C-10 a last slash changes nothing', async () => {
  expectFailure(await call('POST', clients.at('/api/v1/auth/login/'), { json: {} }), 400, 'PARAMETER_MISSING', 0)
  expectFailure(await call('GET', clients.at('/api/v1/clients/me/?x=1')), 401, 'UNAUTHORIZED', 0)
  const headers = { origin: 'https://anywhere.example', 'access-control-request-method': 'POST' }
  const preflight = await fetch(clients.at('/api/v1/clients/'), { method: 'OPTIONS', headers })
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
})

test('C-06 any origin may read the answers, without cookies', async () => {
  const origin = 'https://anywhere.example'
  const answer = await fetch(clients.at('/api/v1/me'), { headers: { origin } })
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  expect(answer.headers.get('access-control-expose-headers')?.toLowerCase()).toContain('x-request-id')

  const preflight = await fetch(clients.at('/api/v1/clients'), {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
})

test('C-01 every answer has a request id, the one that was sent when it is fit', async () => {
  const given = await fetch(clients.at('/api/v1/me'), { headers: { 'x-request-id': 'abc-123' } })
  expect(given.headers.get('x-request-id')).toBe('abc-123')
  expect((await fetch(clients.at('/api/v1/me'))).headers.get('x-request-id')).toMatch(/\S/)
})

test('C-06 a method that an address does not know is 405', async () => {
  const answer = await call('DELETE', clients.at('/api/v1/auth/login'))
  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')).toContain('POST')
})

// On the gateway that all contracts share, these belong to the first of them.
if (arrangement.name === 'clients')
  describe('its own listener', () => {
    test('C-01 C-02 answers unknown routes in the form of the contract', async () => {
      for (const [method, path] of [
        ['GET', '/'],
        ['GET', '/api/v1/nothing'],
        ['POST', '/auth/login'],
        ['DELETE', '/api/v2/clients'],
      ] as const) {
        expectFailure(await call(method, clients.at(path)), 404, 'NOT_FOUND', 0, path)
      }
    })

    test('C-01 says which instance answered, and lets pages of other origins read it', async () => {
      for (const path of ['/api/v1/me', '/health', '/nothing']) {
        const answer = await fetch(clients.at(path), { headers: { origin: 'https://anywhere.example' } })
        expect(answer.headers.get('x-instance-id'), path).toBe('clients-1')
        expect(answer.headers.get('x-request-id'), path).toMatch(/\S/)
        expect(answer.headers.get('access-control-allow-origin'), path).toBe('*')
        expect(answer.headers.get('access-control-expose-headers')?.toLowerCase(), path).toContain('x-instance-id')
      }
    })

    test('C-15 /health', async () => {
      const answer = await call('GET', clients.at('/health'))
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual({
        status: 'healthy',
        service: 'clients-service',
        version: '1.0.0',
        timestamp: expect.stringMatching(time),
        checks: { database: true, redis: true },
      })
      expect(Math.abs(Date.parse(String(answer.body.timestamp)) - Date.now())).toBeLessThan(5_000)
    })

    test('documents itself at the addresses of the reference', async () => {
      for (const path of ['/swagger', '/swagger.html']) {
        const page = await fetch(clients.at(path))
        expect(page.status, path).toBe(200)
        expect(page.headers.get('content-type')).toContain('text/html')
      }
    })
  })

test('C-16 /metrics has the names of the contract, in Prometheus text form', async () => {
  const before = await figures()
  await clients.verified()
  await clients.register()
  // Counts are held for a few seconds.
  await expect
    .poll(figures, { timeout: 15_000, interval: 250 })
    .toSatisfy((now: Figures) => (now.clients_total ?? 0) >= (before.clients_total ?? 0) + 2)
  const now = await figures()
  expect(now.verified_clients_total).toBeGreaterThanOrEqual((before.verified_clients_total ?? 0) + 1)
  expect(now.mfa_enabled_total).toBeGreaterThanOrEqual((before.mfa_enabled_total ?? 0) + 1)
  expect(now.database_connections).toBeGreaterThanOrEqual(1)
  expect(now.uptime_seconds).toBeGreaterThan(before.uptime_seconds ?? Number.POSITIVE_INFINITY)
})

type Figures = Record<string, number | undefined>

async function figures(): Promise<Figures> {
  const answer = await fetch(clients.at('/metrics'))
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const lines = (await answer.text()).matchAll(/^clients_service_(\w+) (\S+)$/gm)
  return Object.fromEntries([...lines].map(([, name = '', value]) => [name, Number(value)]))
}
