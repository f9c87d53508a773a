import { describe, expect, inject, test } from 'vitest'
import { claimsOf, forgeToken } from '../../support/tokens.ts'
import { shopClient } from '../shop/client.ts'
import { expectFailure, portalClient } from './client.ts'

const arrangement = inject('arrangement')
const portal = portalClient(arrangement)
const accessToken = (...values: string[]) => values.map((value) => `accessToken=${value}`).join('; ')

test('P-52 a token says who, in which role, for the portal alone, for 15 minutes', async () => {
  const { token, id, email } = await portal.register()
  const claims = claimsOf(token)
  expect(claims).toEqual({
    sub: id,
    email,
    role: 'delivery_person',
    type: 'access',
    aud: 'portal',
    sid: expect.any(String),
    uid: expect.any(String),
    tid: expect.any(String),
    ver: expect.any(Number),
    jti: expect.any(String),
    amr: ['pwd'],
    iat: expect.any(Number),
    exp: expect.any(Number),
  })
  expect(claims.exp - claims.iat).toBe(15 * 60)
})

const routes = [
  ['GET', '/users'],
  ['POST', '/users'],
  ['GET', '/users/me'],
  ['GET', '/users/1'],
  ['GET', '/users/x'],
  ['PUT', '/users/1'],
  ['PATCH', '/users/1/role'],
  ['DELETE', '/users/999999999'],
  ['GET', '/auth/profile'],
  ['POST', '/auth/logout'],
] as const

test('P-03 P-52 every protected route answers 401 itself, at the gateway and at the user service', async () => {
  for (const [method, path] of routes) {
    for (const [at, listener] of portal.listeners) {
      const refused = [
        {},
        { headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } },
        { token: 'x.y.z' },
        { cookie: 'accessToken=x.y.z' },
        { cookie: 'accessToken=' },
        { token: 'x.y.z', ...(method !== 'GET' && { raw: '{no json', headers: { 'content-type': 'x/y' } }) },
      ]
      for (const how of refused) {
        const answer = await listener.call(method, path, how)
        expectFailure(answer, 401)
        expect(answer.headers.get('www-authenticate'), `${method} ${path} at the ${at}`).toBe('Bearer')
      }
    }
  }
})

test('P-52 the token is taken as Bearer or from the cookie, which passes the gateway', async () => {
  const { id, token } = await portal.register()
  for (const [at, listener] of portal.listeners) {
    for (const path of ['/users/me', '/auth/profile', `/users/${id}`]) {
      for (const how of [{ token }, { cookie: accessToken(token) }]) {
        const answer = await listener.get(path, how)
        expect({ at, path, status: answer.status, id: answer.body.id }).toEqual({ at, path, status: 200, id })
      }
    }
  }
})

test('P-52 of several cookies of the name the first good one counts; beside a Bearer none does', async () => {
  const [one, other] = [await portal.register(), await portal.register()]
  const idBy = async (cookie: string) => (await portal.get('/users/me', { cookie })).body.id
  expect(await idBy(accessToken('x.y.z', one.token))).toBe(one.id)
  expect(await idBy(accessToken(one.token, 'x.y.z'))).toBe(one.id)
  expect(await idBy(accessToken(one.token, other.token))).toBe(one.id)
  expect((await portal.get('/users/me', { token: other.token, cookie: accessToken(one.token) })).body.id).toBe(other.id)
  expectFailure(await portal.get('/users/me', { token: 'x.y.z', cookie: accessToken(one.token) }), 401)
})

test('P-52 forged, changed and expired tokens, and refresh tokens, are 401', async () => {
  const { token, refreshToken } = await portal.register()
  const [head = '', , signature = ''] = token.split('.')
  const claims = claimsOf(token)
  const raised = Buffer.from(JSON.stringify({ ...claims, role: 'admin' })).toString('base64url')
  const bad = {
    'other claims': `${head}.${raised}.${signature}`,
    'alg none': forgeToken({ alg: 'none', typ: 'JWT' }, { ...claims, role: 'admin' }),
    'a secret of nobody': forgeToken({ alg: 'HS256', typ: 'JWT' }, claims, 'x'.repeat(40)),
    'no signature': token.slice(0, token.lastIndexOf('.') + 1),
    'a refresh token': refreshToken,
    '10 kB of letters': 'a'.repeat(10_240),
  }
  for (const [kind, one] of Object.entries(bad)) {
    for (const [, listener] of portal.listeners) {
      const answers = [
        await listener.get('/users/me', { token: one }),
        await listener.get('/users/me', { cookie: accessToken(one) }),
      ]
      for (const answer of answers) expect({ kind, status: answer.status }).toEqual({ kind, status: 401 })
    }
  }
})

if (arrangement.hosts.portal)
  describe('beside other contracts', () => {
    test("P-52 another contract's token is 401 here, and this one's is 401 there", async () => {
      const shop = shopClient(arrangement)
      const [theirs, ours] = [await shop.register(), await portal.register()]
      expectFailure(await portal.get('/users/me', { token: theirs.token }), 401)
      expectFailure(await portal.get('/users/me', { cookie: accessToken(theirs.token) }), 401)
      const both = await portal.get('/users/me', { cookie: accessToken(theirs.token, ours.token) })
      expect({ status: both.status, id: both.body.id }).toEqual({ status: 200, id: ours.id })
      expect((await shop.get('/users/profile', { token: ours.token })).status).toBe(401)
      expect((await shop.get('/users/profile', { token: theirs.token })).status).toBe(200)
    })
  })
