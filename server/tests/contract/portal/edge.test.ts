import { describe, expect, inject, test } from 'vitest'
import { ask, call, expectFailure, portalClient } from './client.ts'

const arrangement = inject('arrangement')
const portal = portalClient(arrangement)

test('P-02 P-18 the gateway says hello', async () => {
  const answer = await portal.ask('GET', '/')
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: 'Hello World!' })
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain\b/)
})

test('P-02 P-03 an unknown path is 404, before any token is looked at, and named without its query', async () => {
  for (const [, listener] of portal.listeners) {
    for (const token of [undefined, 'nonsense']) {
      for (const [method, path] of [
        ['GET', '/nothing'],
        ['POST', '/auth/nothing'],
        ['GET', '/users/1/nothing'],
        ['POST', '/users/1/role/nothing'],
      ] as const) {
        expectFailure(await listener.call(method, `${path}?secret=x`, { token }), 404, `Cannot ${method} ${path}`)
      }
    }
  }
})

test('P-03 a known path under another method is 405 with Allow', async () => {
  for (const [method, path, allowed] of [
    ['GET', '/auth/login', 'POST'],
    ['DELETE', '/users', 'GET, POST'],
    ['POST', '/users/1', 'DELETE, GET, PUT'],
    ['POST', '/auth/profile', 'GET'],
  ] as const) {
    const answer = await portal.call(method, path)
    expectFailure(answer, 405)
    const allow = (answer.headers.get('allow') ?? '').split(/, */).filter((name) => name !== 'HEAD')
    expect(allow.sort().join(', ')).toBe(allowed)
  }
})

test('P-03 a last slash changes nothing, as Express takes it', async () => {
  const token = await portal.admin()
  for (const [, listener] of portal.listeners) {
    expect((await listener.get('/users/?limit=1', { token })).body).toHaveLength(1)
    expect((await listener.get('/users/me/', { token })).status).toBe(200)
    expect((await listener.get('/users/health/')).status).toBe(200)
    expect(await listener.post('/auth/login/', { json: {} })).toMatchObject({
      status: 400,
      body: { message: ['email must be an email', 'password should not be empty'] },
    })
    expectFailure(await listener.get('/users//', { token }), 404)
  }
})

test('P-03 a refusal that comes from behind the gateway names the path that was asked for', async () => {
  const token = await portal.admin()
  for (const [, listener] of portal.listeners) {
    expectFailure(await listener.get('/users/999999999?x=1', { token }), 404, 'User not found')
  }
})

test('P-51 the internal routes are 404 to strangers', async () => {
  const token = await portal.admin()
  for (const [, listener] of portal.listeners) {
    for (const path of ['/internal/identity/find-account', '/internal/contracts/portal/users']) {
      const headers = { 'x-internal-token': 'x'.repeat(43) }
      expectFailure(await listener.post(path, { token, json: {}, headers }), 404, `Cannot POST ${path}`)
    }
  }
})

describe('P-52 P-54 what a page of another origin sends with the cookies of its browser', () => {
  const stranger = { origin: 'https://shop.example.org', 'sec-fetch-site': 'same-site', 'content-type': 'text/plain' }
  const raw = JSON.stringify({ name: 'Made', email: 'made@example.org', password: 'Correct-horse-7', role: 'admin' })

  test('is an order that nobody follows', async () => {
    const cookie = `accessToken=${await portal.admin()}`
    for (const [, listener] of portal.listeners) {
      for (const headers of [stranger, { ...stranger, origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
        expectFailure(await listener.post('/users', { cookie, raw, headers }), 403)
        expectFailure(await listener.post('/auth/login', { raw, headers }), 403)
      }
    }
  })

  test('counts when the page is the portal’s own or is let in, or the token is no cookie', async () => {
    const token = await portal.admin()
    const cookie = `accessToken=${token}`
    const patch = async (how: object) =>
      (await portal.patch('/users/999999999/role', { raw: '{"role":"merchant"}', ...how })).status
    expect(await patch({ cookie, headers: { ...stranger, 'sec-fetch-site': 'same-origin' } })).toBe(404)
    expect(await patch({ cookie, headers: { ...stranger, origin: 'http://localhost:3000' } })).toBe(404)
    expect(await patch({ cookie })).toBe(404)
    expect(await patch({ token, headers: stranger })).toBe(404)
  })
})

test('P-51 what a service says of one answer stands at the gateway too', async () => {
  const policies = []
  for (const [, listener] of portal.listeners) {
    const page = await listener.ask('GET', '/account/portal/reset-password?token=abc', {
      headers: { accept: 'text/html' },
    })
    expect(page.status).toBe(200)
    policies.push(page.headers.get('content-security-policy'))
  }
  expect(policies[0]).toContain("form-action 'self'")
  expect(new Set(policies).size).toBe(1)
})

test('P-55 a body above the limit is 413', async () => {
  const json = { email: 'a@example.org', password: 'x'.repeat(150_000) }
  for (const [, listener] of portal.listeners) expectFailure(await listener.post('/auth/login', { json }), 413)
})

test('P-55 keys that reach a prototype change nothing', async () => {
  const headers = { 'content-type': 'application/json' }
  for (const raw of ['{"__proto__":{"email":"a@b.org","password":"x"}}', '{"constructor":{"prototype":{}}}']) {
    expectFailure(await portal.post('/auth/login', { raw, headers }), 400, [
      'email must be an email',
      'password should not be empty',
    ])
  }
})

test('P-54 every answer has the security headers, and what concerns one person is kept by no cache', async () => {
  const { token } = await portal.register()
  const answers = [
    await portal.get('/users/me', { token }),
    await portal.get('/auth/profile', { token }),
    await portal.get('/users/me'),
    await portal.post('/auth/login', { json: {} }),
  ]
  for (const { headers } of answers) {
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toMatch(/^(DENY|SAMEORIGIN)$/)
    expect(headers.get('content-security-policy')).toEqual(expect.any(String))
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('cache-control')).toBe('no-store')
  }
})

test('P-54 pages of the configured origins may call with cookies, others are told nothing', async () => {
  const from = (method: 'GET' | 'OPTIONS', origin: string) =>
    portal.ask(method, '/users/me', { headers: { origin, 'access-control-request-method': 'GET' } })
  for (const origin of ['http://localhost:3000', 'http://localhost:5174']) {
    const preflight = await from('OPTIONS', origin)
    expect(preflight.status).toBe(204)
    for (const { headers } of [preflight, await from('GET', origin)]) {
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
    }
  }
  for (const method of ['GET', 'OPTIONS'] as const) {
    const { headers } = await from(method, 'https://evil.example')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('P-53 answers say what is left of the limits, each of them', async () => {
  const { token } = await portal.register()
  const general = await portal.get('/users/me', { token })
  expect(general.headers.get('ratelimit-policy')).toMatch(/;w=1, .*;w=60, .*;w=900$/)
  expect((await portal.login('nobody@example.org', 'x')).headers.get('ratelimit-policy')).toMatch(/^[^,]*;w=60$/)
  expect((await portal.get('/health')).headers.get('ratelimit-policy')).toBeNull()
})

test('P-62 what is large enough is compressed', async () => {
  const answer = await portal.ask('GET', '/openapi/portal.json', { headers: { 'accept-encoding': 'gzip' } })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-encoding')).toBe('gzip')
})

test('P-65 metrics tell of requests by endpoint, at both listeners', async () => {
  for (const [, listener] of portal.listeners) {
    await listener.get('/users/me')
    const text = async () => (await listener.ask('GET', '/metrics')).text
    await expect.poll(text).toMatch(/^http_requests_total\{.*endpoint="\/users\/me".*status="401".*\} [1-9]/m)
  }
})

if (arrangement.hosts.portal)
  describe('beside other contracts', () => {
    test('P-02 the host that everybody shares answers nothing of the portal but the pages of its mail', async () => {
      const at = (path: string) => `${arrangement.urls.gateway}${path}`
      const shops = { success: false, error: { code: expect.any(String), message: expect.any(String) } }
      expect((await call('GET', at('/users'))).body).toEqual(shops)
      expect((await call('GET', at('/users/me'))).body).toEqual(shops)
      expect((await call('GET', at('/auth/profile'))).body).toEqual(shops)
      expect((await ask('GET', at('/'))).text).not.toBe('Hello World!')
      const page = await ask('GET', at(`/account/portal/reset-password?token=${'x'.repeat(64)}`))
      expect(page.status).toBe(200)
      expect(page.headers.get('content-type')).toMatch(/^text\/html\b/)
    })

    test('P-02 its host answers whatever its case and port, and no path of another contract', async () => {
      for (const host of ['portal.localhost', 'PORTAL.localhost:8000']) {
        expect((await ask('GET', `${arrangement.urls.gateway}/`, {}, host)).text).toBe('Hello World!')
      }
      for (const path of ['/products', '/api/auth/me', '/users/profile/nothing']) {
        expectFailure(await portal.get(path), 404, `Cannot GET ${path}`)
      }
    })
  })
