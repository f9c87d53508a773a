import { request } from 'undici'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { tenants } from '../../../src/contracts/tenants/index.ts'
import { type Answer, call } from '../../support/http-call.ts'
import { forgeToken } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'
import {
  expectFailure,
  expectTokenRefused,
  type Message,
  type Pair,
  password,
  tenantsClient,
  uniqueEmail,
} from './client.ts'

const arrangement = inject('arrangement')
const api = tenantsClient(arrangement)
const alone = arrangement.name === 'tenants'
beforeAll(api.ensureVendor)

test('T-37 forged, foreign and misused tokens are 401 with message and msg, never a crash', async () => {
  const { user } = await api.tenant()
  const { aud: _, ...unaddressed } = user.claims
  const [head, , signature] = user.token.split('.')
  const raised = Buffer.from(JSON.stringify({ ...user.claims, role: 'vendor_admin' })).toString('base64url')
  const tokens = [
    forgeToken({ alg: 'none', typ: 'JWT' }, user.claims),
    forgeToken({ alg: 'HS256', typ: 'JWT' }, user.claims, 'some secret of nobody, long enough for it'),
    forgeToken({ alg: 'HS256', typ: 'JWT' }, unaddressed, ''),
    `${head}.${raised}.${signature}`,
    user.refreshToken,
    `${user.token}x`,
    user.token.slice(0, -1),
    'a.b.c',
    'null',
  ]
  for (const token of tokens) expectTokenRefused(await api.get('/api/users/me', token), token.slice(0, 30))
})

test('T-61 only the Bearer counts: a cookie of another site lets nobody in', async () => {
  const { user } = await api.tenant()
  for (const name of ['access_token', 'access_token_cookie', 'token', 'session']) {
    const headers = { cookie: `${name}=${user.token}` }
    expectTokenRefused(await call('GET', api.at('/api/users/me'), { headers }), name)
    expectTokenRefused(await call('POST', api.at('/api/logout'), { headers }), name)
  }
})

test('T-62 the only cookie tells a device again: HttpOnly and SameSite', async () => {
  const { user } = await api.tenant()
  const { email, tenant: tenant_name } = user
  const answer = await api.post('/api/login', { email, password, tenant_name })
  const cookies = answer.headers.getSetCookie()
  expect(cookies).toHaveLength(1)
  expect(cookies[0]).toMatch(/^guichet_device=[^;]+; /)
  expect(cookies[0]!.split('; ').slice(1).sort()).toEqual(['HttpOnly', 'Max-Age=31536000', 'Path=/', 'SameSite=Lax'])
  const refused = await api.post('/api/login', { email, password: 'Wrong123!', tenant_name })
  expect(refused.headers.getSetCookie()).toEqual([])
})

test('T-59 every answer says how much of its limit is left', async () => {
  const register = await api.register({})
  expect(register.headers.get('ratelimit-policy')).toMatch(/^"register";q=\d+;w=60$/)
  const { token } = await api.vendor()
  expect((await api.get('/api/metrics', token)).headers.get('ratelimit-policy')).toMatch(/^"metrics";q=\d+;w=60$/)
})

test('T-63 too large and malformed bodies are refused in the error form', async () => {
  const headers = { 'content-type': 'application/json' }
  expectFailure(await api.post('/api/login', undefined, { raw: `{"email":"${'x'.repeat(70_000)}"}`, headers }), 413)
  for (const raw of ['{', '"text"', '[]', '', 'email=a&password=b', '\u0000']) {
    expectFailure(await api.post('/api/login', undefined, { raw, headers }), 400, /\S/, raw)
  }
  const { token } = await api.vendor()
  for (const path of ['/api/users/me', '/api/users/1']) {
    expect((await call('PUT', api.at(path), { raw: '{', headers, token })).status, path).toBe(400)
  }
})

test('T-10 T-36 the API is described at /apidocs, for people and for machines', async () => {
  // On a listener of several contracts each has its page.
  const page = await fetch(api.at(alone ? '/apidocs' : '/apidocs/tenants'))
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  expect(await page.text()).toContain('/openapi/tenants.json')
  const document = (await (await fetch(api.at('/openapi/tenants.json'))).json()) as {
    openapi: string
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  }
  expect(document.openapi).toBe('3.1.0')
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const seeds = [
    'POST /api/register',
    'POST /api/login',
    'POST /api/refresh',
    'POST /api/logout',
    'POST /api/verify-email',
    'POST /api/reset-password',
    'POST /api/reset-password/{token}',
    'GET /api/users',
    'PUT /api/users/{id}',
    'GET /api/users/{id}/activity',
    'GET /api/metrics',
  ]
  expect(described).toEqual(expect.arrayContaining(seeds))
  for (const one of seeds) {
    const [method = '', path = ''] = one.split(' ')
    expect(Object.keys(document.paths[path]![method.toLowerCase()]!.responses), one).toContain('429')
  }
})

if (alone)
  describe('on its own listener', () => {
    test('T-01 health is told at both addresses', async () => {
      for (const path of ['/health', '/api/v1/health']) {
        const answer = await call('GET', api.at(path))
        expect({ status: answer.status, body: answer.body }).toEqual({
          status: 200,
          body: {
            status: 'healthy',
            service: 'user-service',
            version: '1.0.0',
            timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          },
        })
      }
    })

    test('unknown paths are 404, known ones under another method 405 with Allow', async () => {
      for (const path of ['/', '/api', '/api/unknown', '/api/users/1/unknown', '/api/v1/unknown']) {
        expectFailure(await call('GET', api.at(path)), 404, 'Resource not found', path)
      }
      const answer = await call<Message>('DELETE', api.at('/api/users'))
      expectFailure(answer, 405, 'Method not allowed')
      expect(answer.headers.get('allow')).toContain('GET')
      expectFailure(await call('GET', api.at('/api/login')), 405)
    })

    test('T-38 T-39 T-40 T-43 T-45 T-46 T-47 T-48 aliases answer like the routes that they are of', async () => {
      const tenant_name = uniqueName('tenant')
      const json = { email: uniqueEmail(), password, full_name: 'Ada', tenant_name }
      expect((await api.post('/api/v1/users/register', json)).status).toBe(201)
      expectFailure(await api.post('/api/v1/users/register', json), 400, 'User already exists')
      const credentials = { email: json.email, password, tenant_name }
      const pair = (await api.post<Pair>('/api/v1/auth/login', credentials)).body
      const renewed = await api.post<Pair>('/api/v1/users/refresh', undefined, { token: pair.refresh_token })
      expect(renewed.status).toBe(200)
      const token = renewed.body.access_token
      const reset = await api.post<Message>('/api/v1/users/request-password-reset', { email: json.email, tenant_name })
      expect(reset.status).toBe(200)
      expectFailure(await api.post('/api/v1/users/request-password-reset', {}), 400)

      const me = await api.get<{ id: number }>('/api/v1/users/me', token)
      expect(me.body).toEqual((await api.get('/api/users/me', token)).body)
      expect((await api.put('/api/v1/users/me', { full_name: 'Ada King' }, token)).status).toBe(200)
      expect((await api.get('/api/v1/users/me/activity', token)).status).toBe(200)
      const same: [string, string][] = [
        ['/api/v1/users', '/api/users'],
        [`/api/v1/users/${me.body.id}/activity`, `/api/users/${me.body.id}/activity`],
      ]
      for (const [alias, path] of same)
        expect((await api.get(alias, token)).body).toEqual((await api.get(path, token)).body)
      expectFailure(await api.get('/api/v1/users/metrics', token), 403, 'Unauthorized')
      expect((await api.get('/api/v1/users/metrics', (await api.vendor()).token)).status).toBe(200)
      expectFailure(await api.put(`/api/v1/users/${me.body.id}`, { is_active: false }, token), 403, 'Unauthorized')
      const change = { current_password: password, new_password: 'Other456?' }
      expect((await api.put('/api/v1/users/me/password', change, token)).status).toBe(200)
    })

    test('every alias leads to a route', () => {
      const aliases = tenants.routes.filter(({ ownListenerOnly }) => ownListenerOnly)
      expect(aliases.map(({ method, url }) => `${method} ${url}`).sort()).toEqual([
        'GET /api/v1/users',
        'GET /api/v1/users/:id/activity',
        'GET /api/v1/users/me',
        'GET /api/v1/users/me/activity',
        'GET /api/v1/users/metrics',
        'POST /api/v1/auth/login',
        'POST /api/v1/users/refresh',
        'POST /api/v1/users/register',
        'POST /api/v1/users/request-password-reset',
        'PUT /api/v1/users/:id',
        'PUT /api/v1/users/me',
        'PUT /api/v1/users/me/password',
      ])
    })

    test('only configured origins may read answers', async () => {
      const from = (origin: string) => fetch(api.at('/health'), { headers: { origin } })
      expect((await from('http://localhost:3000')).headers.get('access-control-allow-origin')).toBe(
        'http://localhost:3000',
      )
      expect((await from('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
    })
  })

if (arrangement.name === 'all')
  describe('beside the other contracts', () => {
    const shopLogin = () =>
      call<{ data: Pair }>('POST', api.at('/auth/login'), { json: { username: 'admin', password: 'admin' } })

    test('T-37 a token of one contract is none in another', async () => {
      const { body } = await shopLogin()
      expectTokenRefused(await api.get('/api/users', body.data.access_token), 'the shop administrator')
      expectTokenRefused(await api.refresh(body.data.refresh_token))
      const vendor = await api.vendor()
      const answer: Answer<unknown> = await call('GET', api.at('/users'), { token: vendor.token })
      expect(answer.status).toBe(401)
      const again = await call('POST', api.at('/auth/refresh'), { json: { refresh_token: vendor.refreshToken } })
      expect(again.status).toBe(401)
      expect((await api.refresh(vendor.refreshToken)).status, 'nothing was revoked').toBe(200)
    })

    test('the demo accounts of other realms get in by no weaker rule than this one’s', async () => {
      const answer = await api.post('/api/login', { email: 'admin', password: 'admin', tenant_name: 'main' })
      expect(answer.status).toBe(403)
      const url = '/account/tenants/password'
      expect(answer.body).toMatchObject({ code: 'PASSWORD_CHANGE_REQUIRED', change_password_url: url })
    })

    test('on its own host it also has the paths of its document that others claim elsewhere', async () => {
      const { token, email } = await api.join(uniqueName('tenant'))
      const headers = { host: 'tenants.localhost', authorization: `Bearer ${token}` }
      const asked = async (path: string) => {
        const { statusCode: status, body } = await request(api.at(path), { headers })
        return { path, status, body: await body.json() }
      }
      for (const path of ['/api/users/me', '/api/v1/users/me'])
        expect(await asked(path)).toMatchObject({ path, status: 200, body: { email } })
      for (const path of ['/health', '/api/v1/health'])
        expect((await asked(path)).body, path).toMatchObject({ service: 'user-service' })
      expect((await asked('/products')).body).toEqual({ message: expect.stringMatching(/\S/) })
    })

    test('the paths of the reference are not served', async () => {
      const answer = await call('POST', api.at('/api/v1/users/register'), { json: {} })
      expect(answer.status).toBe(404)
    })
  })
