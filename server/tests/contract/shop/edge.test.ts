import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, inject, test } from 'vitest'
import { call, expectFailure, type Order, shopClient, type User } from './client.ts'

const arrangement = inject('arrangement')
const shop = shopClient(arrangement)

/** Sends bytes as they are and gives what comes back until the server hangs up. */
async function rawExchange(base: string, request: string): Promise<{ status: number; body: unknown }> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  // The server may hang up before it has read everything.
  socket.on('error', () => undefined)
  socket.write(request)
  await once(socket, 'close')
  const [head = '', body = ''] = text.split('\r\n\r\n', 2)
  expect(head.toLowerCase()).toContain('content-type: application/json')
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) }
}

const bases = [...new Set(Object.values(shop.urls))]

test('S-41 a missing or unreadable body counts as {}, and a content type is never 415', async () => {
  const { token } = await shop.register()
  const { id } = (await shop.get<User>('/users/profile', { token })).body.data
  const routes = [
    ['POST', '/auth/login', 'MISSING_CREDENTIALS', shop.urls.auth],
    ['POST', '/auth/register', 'MISSING_CREDENTIALS', shop.urls.auth],
    ['POST', '/auth/refresh', 'MISSING_TOKEN', shop.urls.auth],
    ['POST', '/auth/verify', 'MISSING_TOKEN', shop.urls.auth],
    ['PUT', `/users/${id}`, 'UPDATE_FAILED', shop.urls.users],
    ['POST', '/orders', 'MISSING_ITEMS', shop.urls.orders],
  ] as const
  const types = [
    'application/json',
    'application/json; charset=latin1',
    'application/x-www-form-urlencoded',
    'text/plain',
    'text/xml',
    'multipart/form-data; boundary=x',
    'image/png',
  ]
  for (const [method, path, code, unit] of routes) {
    for (const base of [shop.urls.gateway, unit]) {
      const url = `${base}${path}`
      expectFailure(await call(method, url, { token }), 400, code, `${url} without a body`)
      for (const raw of ['', '{', 'null', '{"a":1} x', '\u0000', 'username=admin&password=admin']) {
        const answer = await call(method, url, { token, raw, headers: { 'content-type': 'application/json' } })
        expectFailure(answer, 400, code, `${url} ${JSON.stringify(raw)}`)
      }
      for (const type of types) {
        const answer = await call(method, url, { token, raw: '<x/>', headers: { 'content-type': type } })
        expectFailure(answer, 400, code, `${url} ${type}`)
      }
    }
  }
})

test('S-41 a content type that is none at all is no 415 either: the body still counts as {} when it is unreadable', async () => {
  for (const base of [shop.urls.gateway, shop.urls.auth]) {
    for (const type of ['nonsense', '/', ';', 'application', 'application/', 'a b/c']) {
      const headers = { 'content-type': type }
      const answer = await call('POST', `${base}/auth/login`, { raw: '<x/>', headers })
      expectFailure(answer, 400, 'MISSING_CREDENTIALS', type)
    }
  }
})

test('S-20 a body is read as JSON whatever its content type says', async () => {
  const raw = JSON.stringify({ username: 'admin', password: 'admin' })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream']) {
    expect((await shop.post('/auth/login', { raw, headers: { 'content-type': type } })).status, type).toBe(200)
  }
})

test('S-41 keys that reach a prototype change nothing', async () => {
  const { token } = await shop.register()
  const { id } = (await shop.get<User>('/users/profile', { token })).body.data
  for (const raw of ['{"__proto__":{"role":"admin","phone":"1"}}', '{"constructor":{"prototype":{"phone":"1"}}}']) {
    expectFailure(await shop.put(`/users/${id}`, { token, raw }), 400, 'UPDATE_FAILED', raw)
  }
})

test('S-03 unknown paths are 404 NOT_FOUND in contract form, with and without a token', async () => {
  const { token } = await shop.register()
  for (const base of bases) {
    for (const path of [
      '/nothing',
      '/auth',
      '/auth/nothing',
      '/users/1/orders',
      '/products/1/2',
      '/orders/1/items',
      '/.env',
    ]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        expectFailure(await call(method, `${base}${path}`), 404, 'NOT_FOUND', `${method} ${base}${path}`)
        expectFailure(await call(method, `${base}${path}`, { token }), 404, 'NOT_FOUND', `${method} ${base}${path}`)
      }
    }
  }
  for (const path of ['/users/%zz', '/products/%zz', '/%', '/products/%c0%80']) {
    const answer = await shop.get(path, { token })
    expect([400, 404], path).toContain(answer.status)
    expectFailure(answer, answer.status, answer.body.error?.code ?? 'an error', path)
  }
})

test('S-03 known paths under another method are 405 with Allow, in contract form', async () => {
  const { gateway, auth, users, orders } = shop.urls
  const cases = [
    ['GET', '/auth/login', ['POST'], auth],
    ['DELETE', '/auth/login', ['POST'], auth],
    ['PUT', '/auth/refresh', ['POST'], auth],
    ['GET', '/auth/verify', ['POST'], auth],
    ['PATCH', '/auth/logout', ['POST'], auth],
    ['GET', '/auth/register', ['POST'], auth],
    ['DELETE', '/users', ['GET', 'POST'], users],
    ['PATCH', '/users/1', ['GET', 'PUT', 'DELETE'], users],
    ['POST', '/users/1', ['GET', 'PUT', 'DELETE'], users],
    ['POST', '/products', ['GET'], orders],
    ['DELETE', '/products/1', ['GET'], orders],
    ['PATCH', '/orders', ['GET', 'POST'], orders],
    ['DELETE', '/orders/1', ['GET', 'PUT'], orders],
  ] as const
  for (const [method, path, allowed, unit] of cases) {
    for (const base of [gateway, unit]) {
      const answer = await call(method, `${base}${path}`)
      expectFailure(answer, 405, 'METHOD_NOT_ALLOWED', `${method} ${base}${path}`)
      const allow = (answer.headers.get('allow') ?? '')
        .split(/, */)
        .filter((name) => name !== 'HEAD' && name !== 'OPTIONS')
      expect(allow.sort(), `${method} ${path}`).toEqual([...allowed].sort())
    }
  }
})

test('S-50 S-51 S-58 the health routes, too, are 405 under another method', async () => {
  for (const url of [`${shop.urls.gateway}/health`, `${shop.urls.auth}/auth/health`, `${shop.urls.orders}/health`]) {
    const answer = await call('POST', url)
    expectFailure(answer, 405, 'METHOD_NOT_ALLOWED', url)
    expect(answer.headers.get('allow')).toContain('GET')
  }
})

test('S-41 a body above the limit is 413 in contract form; one of 60 000 characters is read', async () => {
  const { token } = await shop.register()
  // Only announced: a client that is still sending when the server hangs up may miss the answer.
  const announce = (path: string, fields: string) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\nConnection: close\r\n${fields}\r\n`
  const failure = (code: string) => ({ success: false, error: { code, message: expect.stringMatching(/\S/) } })
  const tooLarge = { status: 413, body: failure('PAYLOAD_TOO_LARGE') }
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    expect(await rawExchange(base, announce('/orders', `Authorization: Bearer ${token}\r\n`))).toEqual(tooLarge)
    const stranger = await rawExchange(base, announce('/orders', ''))
    expect(stranger, 'the token comes first').toEqual({ status: 401, body: failure('MISSING_TOKEN') })
  }
  for (const base of [shop.urls.gateway, shop.urls.auth]) {
    expect(await rawExchange(base, announce('/auth/login', ''))).toEqual(tooLarge)
  }
  const read = await shop.post('/orders', { token, json: { items: [], padding: 'x'.repeat(60_000) } })
  expectFailure(read, 400, 'MISSING_ITEMS')
})

test('S-03 headers above the limit are 431, what is no HTTP is 400, in contract form', async () => {
  const failure = (code: unknown) => ({ success: false, error: { code, message: expect.stringMatching(/\S/) } })
  for (const base of bases) {
    const long = `GET /products HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`
    expect(await rawExchange(base, long)).toEqual({ status: 431, body: failure('HEADERS_TOO_LARGE') })
    const broken = await rawExchange(base, 'this is no HTTP\r\n\r\n')
    expect(broken).toEqual({ status: 400, body: failure(expect.any(String)) })
  }
})

test('S-44 X-User-Id from outside is ignored, at the gateway and at the units', async () => {
  const [[product], person] = await Promise.all([shop.importProducts([{ price: 1, stock: 5 }]), shop.register()])
  const { token, username } = person
  const admin = (await shop.get<User>('/users/profile', { token: await shop.admin() })).body.data
  for (const name of ['admin', String(admin.id)]) {
    for (const header of ['x-user-id', 'X-User-ID', 'x-user-name', 'x-user-role', 'x-username']) {
      const headers = { [header]: header === 'x-user-role' ? 'admin' : name }
      for (const base of [shop.urls.gateway, shop.urls.users]) {
        const profile = await call<User>('GET', `${base}/users/profile`, { token, headers })
        expect(profile.body.data.username).toBe(username)
        expectFailure(await call('GET', `${base}/users`, { token, headers }), 403, 'FORBIDDEN')
        expectFailure(await call('GET', `${base}/users/profile`, { headers }), 401, 'MISSING_TOKEN')
      }
      for (const base of [shop.urls.gateway, shop.urls.orders]) {
        expectFailure(await call('GET', `${base}/orders`, { headers }), 401, 'MISSING_TOKEN')
      }
    }
  }
  const json = { items: [{ product_id: product, quantity: 1 }] }
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const placed = await call<Order>('POST', `${base}/orders`, { token, json, headers: { 'x-user-id': 'admin' } })
    expect(placed.body.data.user_id).toBe(username)
  }
})

test('S-44 where a request comes from is what the gateway saw, whatever it says', async () => {
  const { username, password, claims } = await shop.register()
  const address = '203.0.113.9'
  const headers = { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` }
  for (const base of [shop.urls.gateway, shop.urls.auth]) {
    const answer = await call('POST', `${base}/auth/login`, { json: { username, password }, headers })
    expect(answer.status, answer.text).toBe(200)
  }
  const text = 'SELECT DISTINCT host(ip) AS ip FROM activities WHERE account_id = $1'
  expect(await shop.rows('identity', text, [claims.uid])).toEqual([{ ip: '127.0.0.1' }])
})

test('S-44 S-67 the internal routes are 404 NOT_FOUND to strangers', async () => {
  const token = await shop.admin()
  const routes = [
    ['GET', '/internal/contracts/shop/products'],
    ['GET', '/internal/contracts/shop/users'],
    ['GET', '/internal/contracts/shop/users/profile'],
    ['GET', '/internal/contracts/shop/orders'],
    ['POST', '/internal/contracts/shop/auth/login'],
    ['POST', '/internal/identity/find-account'],
    ['POST', '/internal/identity/create-account'],
    ['POST', '/internal/identity/remove-member'],
    ['POST', '/internal/identity/active-members'],
    ['POST', '/internal/identity/is-token-active'],
    ['POST', '/internal/identity/revocations'],
    ['GET', '/internal/identity/revocations'],
    ['GET', '/internal/events?consumer=orders'],
    ['POST', '/internal/events/acknowledge'],
    ['GET', '/internal'],
  ] as const
  for (const base of bases) {
    for (const [method, path] of routes) {
      for (const headers of [{}, { 'x-internal-token': '' }, { 'x-internal-token': 'x'.repeat(43) }]) {
        const json = method === 'POST' ? {} : undefined
        const answer = await call(method, `${base}${path}`, { token, headers, json })
        expectFailure(answer, 404, 'NOT_FOUND', `${method} ${base}${path}`)
      }
    }
  }
})

test('S-03 every answer names its request, and repeats a fitting name that the caller gave', async () => {
  for (const base of bases) {
    const given = await call('GET', `${base}/nothing`, { headers: { 'x-request-id': 'trace-1.2_3' } })
    expect(given.headers.get('x-request-id')).toBe('trace-1.2_3')
    const made = await call('GET', `${base}/nothing`, { headers: { 'x-request-id': 'bad name' } })
    expect(made.headers.get('x-request-id')).toMatch(/^[\w.-]{8,64}$/)
  }
})

test('S-03 browsers of the allowed origins may call, others are told nothing', async () => {
  const from = (origin: string | undefined, method = 'GET') =>
    fetch(`${shop.urls.gateway}/products`, {
      method,
      headers: { ...(origin && { origin }), 'access-control-request-method': 'GET' },
    })
  const preflight = await from('http://localhost:5173', 'OPTIONS')
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
  expect(preflight.headers.get('access-control-allow-methods')).toContain('GET')
  expect((await from('http://localhost:5173')).headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
  for (const origin of ['https://evil.example', 'http://localhost.evil.example', undefined]) {
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await from(origin, method)
      expect(answer.headers.get('access-control-allow-origin'), `${method} from ${origin}`).toBeNull()
    }
  }
  const options = await from(undefined, 'OPTIONS')
  expect(options.status).toBe(204)
  expect(options.headers.get('allow')).toBe('GET, HEAD')
})
