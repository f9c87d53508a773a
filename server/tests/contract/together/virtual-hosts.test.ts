import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { request } from 'undici'
import { describe, expect, inject, test } from 'vitest'
import { contracts as all, contractNames } from '../../../src/contracts/registry.ts'
import { uniqueName } from '../../support/unique-name.ts'

const arrangement = inject('arrangement')
const { gateway } = arrangement.urls
const { port } = new URL(gateway)

interface How {
  method?: 'GET' | 'HEAD' | 'POST' | 'OPTIONS'
  token?: string
  json?: unknown
  headers?: Record<string, string>
}

/** One request to the shared gateway for a host; the system need not know the host's name, nor may `fetch` state it. */
async function ask(host: string, path: string, { method = 'GET', token, json, headers }: How = {}) {
  const answer = await request(`${gateway}${path}`, {
    method,
    headers: {
      host,
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  })
  const said = await answer.body.text()
  const type = String(answer.headers['content-type'] ?? '')
  const body = type.startsWith('application/json') && said !== '' ? (JSON.parse(said) as Record<string, unknown>) : {}
  return { status: answer.statusCode, headers: answer.headers, text: said, body }
}

const someText = expect.stringMatching(/\S/)
const stranger = 'https://stranger.example'
const defaultHosts = ['127.0.0.1', 'localhost', 'nowhere.localhost', 'xshop.localhost']

describe('the default host', () => {
  test.each(defaultHosts)('%s is it', async (host) => {
    const index = await ask(host, '/')
    expect(index.status).toBe(200)
    const { contracts } = index.body as { contracts: { name: string }[] }
    const listed = contracts.map(({ name }) => name)
    expect(listed).not.toContain('portal')
    expect(listed).toEqual(contractNames.filter((name) => all[name].hosting?.ownHostOnly !== true))
    expect((await ask(host, '/health')).body).toMatchObject({ service: 'api-gateway' })
    expect((await ask(host, '/products')).status).toBe(200)
    expect((await ask(host, '/api/v1/me')).status, 'clients').toBe(401)
    expect((await ask(host, '/api/auth/verify')).status, 'helpdesk').toBe(401)
    expect((await ask(host, '/api/users/me')).status, 'tenants').toBe(401)
    for (const path of ['/nothing', '/api-docs', '/api/v1/users/me']) {
      const { status, body } = await ask(host, path)
      expect({ path, status, body }).toEqual({
        path,
        status: 404,
        body: { success: false, error: { code: 'NOT_FOUND', message: someText } },
      })
    }
  })
})

test('a last slash is taken where the contract’s reference takes one, and not by shop and tenants', async () => {
  for (const [host, path, status] of [
    ['localhost', '/api/v1/me/', 401],
    ['localhost', '/api/auth/verify/', 401],
    ['clients.localhost', '/health/', 200],
    ['helpdesk.localhost', '/api/v1/users/profile/', 401],
    ['portal.localhost', '/users/me/', 401],
    ['localhost', '/products/', 404],
    ['localhost', '/health/', 404],
    ['shop.localhost', '/products/', 404],
    ['localhost', '/api/users/me/', 404],
    ['tenants.localhost', '/api/users/me/', 404],
  ] as const)
    expect({ host, path, status: (await ask(host, path)).status }).toEqual({ host, path, status })
})

test.each(['shop.localhost.example.org', 'stranger.example', '0.0.0.0'])(
  'in development %s is refused: a page of that name could be led here',
  async (host) => {
    for (const path of ['/', '/products', '/dev/mailbox', '/invented'])
      expect(await ask(host, path)).toMatchObject({ status: 421, text: expect.stringContaining('GUICHET_DEV_HOSTS') })
  },
)

test('the reference of the default host shows every contract, and calls the portal on its own host', async () => {
  const reference = await ask('localhost', '/apidocs')
  for (const name of contractNames) {
    expect(reference.text).toContain(`href="/apidocs/${name}"`)
    expect((await ask('localhost', `/openapi/${name}.json`)).status, name).toBe(200)
  }
  const document = await ask(`localhost:${port}`, '/openapi/portal.json')
  const origin = `http://portal.localhost:${port}`
  expect(document.body).toMatchObject({ servers: [{ url: origin }] })
  expect((await ask(`localhost:${port}`, '/apidocs/portal')).headers['content-security-policy']).toContain(
    `connect-src 'self' ${origin};`,
  )
  const preflight = await ask('portal.localhost', '/auth/login', {
    method: 'OPTIONS',
    headers: {
      origin: `http://localhost:${port}`,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-token-delivery',
    },
  })
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': `http://localhost:${port}`,
    'access-control-allow-headers': 'content-type,x-token-delivery',
  })
})

test.each(['shop.localhost', 'SHOP.LocalHost', `shop.localhost:${port}`, 'shop.localhost:1', 'shop.localhost.'])(
  'the host %s has the shop alone',
  async (host) => {
    const index = await ask(host, '/')
    expect(index.body).toMatchObject({ contracts: [{ name: 'shop', openapi: '/openapi/shop.json' }] })
    expect((await ask(host, '/products')).body).toMatchObject({ success: true })
    expect((await ask(host, '/health')).body).toMatchObject({ service: 'api-gateway', services: { auth: 'up' } })
    for (const path of [
      '/api/v1/me',
      '/api/auth/verify',
      '/api/users/me',
      '/openapi/clients.json',
      '/apidocs/clients',
    ]) {
      const { status, body } = await ask(host, path)
      expect({ path, status, body }).toEqual({
        path,
        status: 404,
        body: { success: false, error: { code: 'NOT_FOUND', message: someText } },
      })
    }
    for (const path of ['/livez', '/readyz', '/openapi/shop.json', '/apidocs', '/apidocs/shop', '/metrics']) {
      expect((await ask(host, path)).status, path).toBe(200)
    }
    expect(await ask(host, '/', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  },
)

test('the host of clients has its form, its health and its rule for origins on every path', async () => {
  const host = 'clients.localhost'
  expect((await ask(host, '/health')).body).toMatchObject({ service: 'clients-service', checks: { database: true } })
  for (const path of ['/products', '/api/auth/verify', '/nothing']) {
    const { status, headers, body } = await ask(host, path, { headers: { origin: stranger } })
    expect({ path, status, code: body.code ?? (body.error as { code?: string } | undefined)?.code }).toEqual({
      path,
      status: 404,
      code: 'NOT_FOUND',
    })
    expect(headers).toMatchObject({ 'access-control-allow-origin': '*', 'x-instance-id': someText })
  }
  const preflight = await ask(host, '/api/v1/clients', {
    method: 'OPTIONS',
    headers: { origin: stranger, 'access-control-request-method': 'POST' },
  })
  expect(preflight).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': '*' } })
})

test('the host of helpdesk documents itself and tells of everything it depends on', async () => {
  const host = 'helpdesk.localhost'
  const health = await ask(host, '/health')
  expect(health.status).toBe(200)
  expect(health.body).toMatchObject({
    success: true,
    service: 'auth-service',
    database: { postgres: 'connected', redis: 'connected' },
    dependencies: { database: 'connected', redis: 'connected', authService: 'connected' },
  })
  const documentation = await ask(host, '/api-docs')
  expect(documentation.status).toBe(200)
  expect(documentation.body).toMatchObject({ success: true, service: 'auth-service', endpoints: expect.any(Array) })
  const missing = await ask(host, '/products')
  expect(missing.status).toBe(404)
  expect(missing.body).toMatchObject({ success: false, code: 'NOT_FOUND', path: '/products', method: 'GET' })
  expect((await ask(host, '/api/auth/verify', { headers: { origin: stranger } })).headers).not.toHaveProperty(
    'access-control-allow-origin',
  )
})

test('people sign in on a host, and its tokens are nothing on another', async () => {
  const email = `${uniqueName('person')}@example.org`
  const made = await ask('helpdesk.localhost', '/api/auth/register', {
    method: 'POST',
    json: { email, password: 'Correct-horse7' },
  })
  expect(made.status, made.text).toBe(201)
  const token = String(made.body.accessToken)
  const own = {
    shop: '/users/profile',
    clients: '/api/v1/me',
    helpdesk: '/api/auth/me',
    tenants: '/api/v1/users/me',
  }
  for (const [contract, path] of Object.entries(own)) {
    const { status } = await ask(`${contract}.localhost`, path, { token })
    expect(status, contract).toBe(contract === 'helpdesk' ? 200 : 401)
  }
  // It is one session, whatever host it was opened on.
  expect((await ask('localhost', '/api/auth/me', { token })).status).toBe(200)
})

test('requests for a host are counted by route, as all are', async () => {
  await ask('tenants.localhost', '/api/v1/users/me')
  await ask('tenants.localhost', '/invented')
  const figures = async () => (await ask('tenants.localhost', '/metrics')).text
  await expect.poll(figures).toMatch(/^http_requests_total\{.*endpoint="\/api\/v1\/users\/me",status="401"\} [1-9]/m)
  expect(await figures()).toMatch(/^http_requests_total\{.*endpoint="unknown",status="404"\} [1-9]/m)
  expect(await figures()).not.toContain('invented')
})

test('a target in absolute form names the host, whatever the header says', async () => {
  const socket = connect(Number(port), '127.0.0.1')
  socket.write('GET http://clients.localhost/health HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*"clients-service"/)
})

test('one connection serves every host', async () => {
  const socket = connect(Number(port), '127.0.0.1')
  const hosts = ['shop', 'clients', 'helpdesk', 'tenants', 'shop'].map((name) => `${name}.localhost`)
  const requests = hosts.map((host, index) => {
    const last = index === hosts.length - 1
    return `GET /health HTTP/1.1\r\nHost: ${host}\r\n${last ? 'Connection: close\r\n' : ''}\r\n`
  })
  socket.write(requests.join(''))
  const answers = (await text(socket)).matchAll(/"service": ?"([\w-]+)"/g)
  expect([...answers].map(([, service]) => service)).toEqual([
    'api-gateway',
    'clients-service',
    'auth-service',
    'user-service',
    'api-gateway',
  ])
})
