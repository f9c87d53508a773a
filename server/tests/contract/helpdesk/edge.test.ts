import { describe, expect, inject, test } from 'vitest'
import { call, expectFailure, expectInvalid, helpdeskClient } from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)

if (arrangement.name === 'helpdesk')
  describe('on its own listener', () => {
    test('H-53 an unknown path is 404 with path and method, before any token is looked at', async () => {
      for (const token of [undefined, 'nonsense']) {
        for (const [method, path] of [
          ['GET', '/nothing'],
          ['POST', '/api/auth/nothing'],
          ['DELETE', '/api/auth/users'],
          ['GET', '/api/users'],
        ] as const) {
          const answer = await call(method, helpdesk.at(`${path}?x=1`), { token })
          expectFailure(answer, 404, 'NOT_FOUND', { path, method })
        }
      }
    })

    test('H-53 a known path under another method is 405 with Allow', async () => {
      for (const [method, path, allowed] of [
        ['GET', '/api/auth/login', 'POST'],
        ['DELETE', '/api/auth/me', 'GET'],
        ['PUT', '/api/auth/verify', 'GET, POST'],
      ] as const) {
        const answer = await call(method, helpdesk.at(path))
        expectFailure(answer, 405, 'METHOD_NOT_ALLOWED', { path, method })
        const allow = (answer.headers.get('allow') ?? '').split(/, */).filter((name) => name !== 'HEAD')
        expect(allow.sort().join(', ')).toBe(allowed)
      }
    })

    test('the internal routes are 404 to strangers', async () => {
      const token = await helpdesk.admin()
      for (const path of ['/internal/identity/find-account', '/internal/contracts/helpdesk/api/auth/login']) {
        const headers = { 'x-internal-token': 'x'.repeat(43) }
        const answer = await call('POST', helpdesk.at(path), { token, json: {}, headers })
        expectFailure(answer, 404, 'NOT_FOUND', { path, method: 'POST' })
      }
    })
  })

test('H-15 H-23 a last slash changes nothing, as Express takes it', async () => {
  const { email, password, token } = await helpdesk.register()
  const answer = await helpdesk.post('/api/auth/login/', { json: { email, password } })
  expect(answer.status, answer.text).toBe(200)
  expect((await helpdesk.get('/api/auth/me/?x=1', { token })).status).toBe(200)
  expect((await helpdesk.users.get('/api/profile/me/', { token })).status).toBe(200)
  const preflight = await fetch(helpdesk.at('/api/auth/login/'), {
    method: 'OPTIONS',
    headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' },
  })
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
    204,
    'http://localhost:3000',
  ])
})

test('H-53 a body above the limit is 413', async () => {
  const raw = JSON.stringify({ email: 'a@example.org', password: 'x'.repeat(300_000) })
  const headers = { 'content-type': 'application/json' }
  const answer = await helpdesk.post('/api/auth/login', { raw, headers })
  expectFailure(answer, 413, 'PAYLOAD_TOO_LARGE')
})

test('H-53 a body that is no JSON is 400 and said to be none; without one, fields are missing', async () => {
  const { token } = await helpdesk.register()
  for (const raw of ['{', '{"email":', "{'email': 1}", 'email=a@example.org&password=x', '\u0000']) {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const headers = { 'content-type': type }
      for (const answer of [
        await helpdesk.post('/api/auth/login', { raw, headers }),
        await helpdesk.post('/api/auth/register', { raw, headers }),
        await helpdesk.users.put('/api/profile/me', { token, raw, headers }),
      ]) {
        expectInvalid(answer, '')
        expect((answer.body as { message: string }).message).toBe("Le corps de la requête n'est pas du JSON valide.")
      }
    }
  }
  for (const raw of ['', '{}']) expectInvalid(await helpdesk.post('/api/auth/login', { raw }), 'email')
  expectFailure(await helpdesk.post('/api/auth/refresh', { raw: '' }), 401, 'INVALID_REFRESH_TOKEN')
})

test('H-54 keys that reach a prototype change nothing', async () => {
  const headers = { 'content-type': 'application/json' }
  for (const raw of ['{"__proto__":{"email":"a@example.org","password":"x"}}', '{"constructor":{"prototype":{}}}']) {
    const answer = await helpdesk.post('/api/auth/login', { raw, headers })
    expect(answer.status, raw).toBe(400)
  }
})

test('H-47 every answer has the security headers, successes and failures', async () => {
  const { token } = await helpdesk.register()
  const answers = [
    await helpdesk.get('/api/auth/me', { token }),
    await helpdesk.get('/api/auth/me'),
    await helpdesk.post('/api/auth/login', { json: {} }),
  ]
  for (const { headers } of answers) {
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toMatch(/^(DENY|SAMEORIGIN)$/)
    expect(headers.get('content-security-policy')).toEqual(expect.any(String))
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

test('H-48 browsers of the allowed origins may call with cookies, others are told nothing', async () => {
  const from = (origin: string, method = 'GET') =>
    fetch(helpdesk.at('/api/auth/verify'), { method, headers: { origin, 'access-control-request-method': 'GET' } })
  for (const origin of ['http://localhost:3000', 'http://localhost:3002']) {
    const preflight = await from(origin, 'OPTIONS')
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
    expect(preflight.headers.get('access-control-allow-credentials')).toBe('true')
    expect((await from(origin)).headers.get('access-control-allow-origin')).toBe(origin)
  }
  for (const method of ['GET', 'OPTIONS']) {
    const answer = await from('https://evil.example', method)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('H-76 what is large enough is compressed', async () => {
  const answer = await fetch(helpdesk.at('/openapi/helpdesk.json'), { headers: { 'accept-encoding': 'gzip' } })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  const document = (await answer.json()) as { paths: object }
  expect(Object.keys(document.paths)).toContain('/api/auth/verify')
})
