import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, expectFailure, type ShopClient, shopClient } from '../../contract/shop/client.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'
import { runCommand, testEnvironment } from '../../support/processes.ts'
import { claimsOf, forgeToken } from '../../support/tokens.ts'

// The reference's own name of the variable, which counts in the shop topology.
const secret = 'a shared secret of the shop, long enough for HS256'
let running: RunningArrangement
let shop: ShopClient

beforeAll(async () => {
  running = await startArrangement('shop', { JWT_SECRET: secret })
  shop = shopClient(running)
})
afterAll(() => running?.stop())

const header = { alg: 'HS256', typ: 'JWT' }

test('S-42 with JWT_SECRET the tokens are HS256 of that secret, and every unit takes them', async () => {
  const { token, claims } = await shop.register()
  const [head, payload] = token.split('.') as [string, string]
  expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toMatchObject({ alg: 'HS256' })
  expect(claims).toMatchObject({ type: 'access', aud: 'shop', role: 'user', jti: expect.any(String) })
  const signed = forgeToken(JSON.parse(Buffer.from(head, 'base64url').toString()), claims, secret)
  expect(signed.split('.').slice(0, 2)).toEqual([head, payload])
  expect(signed).toBe(token)

  // And a token that we sign ourselves is as good: the secret really is shared.
  const own = forgeToken(header, { ...claims, jti: 'ours' }, secret)
  const places = [
    `${shop.urls.gateway}/users/profile`,
    `${shop.urls.users}/users/profile`,
    `${shop.urls.gateway}/orders`,
    `${shop.urls.orders}/orders`,
  ]
  for (const url of places) {
    for (const good of [token, own]) expect((await call('GET', url, { token: good })).status, url).toBe(200)
  }
  expect((await shop.post('/auth/verify', { json: { token: own } })).status).toBe(200)
})

test('S-42 S-44 S-67 of tokens signed with the secret, those of another audience, time or form are 401', async () => {
  const { claims } = await shop.register()
  const now = Math.floor(Date.now() / 1000)
  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))
  const forged = {
    expired: forgeToken(header, { ...claims, iat: now - 7200, exp: now - 3600 }, secret),
    'expired a minute ago': forgeToken(header, { ...claims, iat: now - 3660, exp: now - 60 }, secret),
    'the future': forgeToken(header, { ...claims, iat: now + 600, exp: now + 4200 }, secret),
    'no exp': forgeToken(header, without('exp'), secret),
    'exp as text': forgeToken(header, { ...claims, exp: String(claims.exp) }, secret),
    'exp null': forgeToken(header, { ...claims, exp: null }, secret),
    'no iat': forgeToken(header, without('iat'), secret),
    'no audience': forgeToken(header, without('aud'), secret),
    'another audience': forgeToken(header, { ...claims, aud: 'helpdesk' }, secret),
    'other audiences': forgeToken(header, { ...claims, aud: ['helpdesk', 'client-app'] }, secret),
    'no session': forgeToken(header, without('sid'), secret),
    'no account': forgeToken(header, without('uid'), secret),
    'another secret': forgeToken(header, claims, `${secret}.`),
    'an empty secret': forgeToken(header, claims, ''),
    'alg none': forgeToken({ alg: 'none', typ: 'JWT' }, claims),
    'alg HS512 over the same bytes': forgeToken({ ...header, alg: 'HS512' }, claims, secret),
    'alg ES256': forgeToken({ ...header, alg: 'ES256' }, claims, secret),
    truncated: forgeToken(header, claims, secret).slice(0, -1),
    '10 kB long': forgeToken(header, { ...claims, padding: 'x'.repeat(7_400) }, secret),
  }
  for (const [kind, token] of Object.entries(forged)) {
    const { gateway, users, orders } = shop.urls
    for (const url of [`${gateway}/users/profile`, `${users}/users/profile`, `${orders}/orders`]) {
      expectFailure(await call('GET', url, { token }), 401, 'INVALID_TOKEN', `${kind} at ${url}`)
    }
    expectFailure(await shop.post('/auth/verify', { json: { token } }), 401, 'INVALID_TOKEN', `${kind} at verify`)
  }
})

test('S-42 logout revokes a token of the shared secret at once', async () => {
  const person = await shop.register()
  expect((await shop.post('/auth/logout', { token: person.token })).status).toBe(200)
  const twin = forgeToken(header, { ...claimsOf(person.token), jti: 'twin' }, secret)
  for (const token of [person.token, twin]) {
    expectFailure(await shop.get('/users/profile', { token }), 401, 'INVALID_TOKEN')
    expectFailure(await call('GET', `${shop.urls.orders}/orders`, { token }), 401, 'INVALID_TOKEN')
  }
})

test('S-42 a secret of fewer than 32 characters is refused at the start', async () => {
  const environment = { ...testEnvironment, GUICHET_DATA_DIR: running.dataDir, JWT_SECRET: 'x'.repeat(31) }
  const { code, stderr } = await runCommand(['start', 'shop'], environment)
  expect(code).not.toBe(0)
  expect(stderr).toContain('JWT_SECRET')
  expect(stderr).toContain('32')
})
