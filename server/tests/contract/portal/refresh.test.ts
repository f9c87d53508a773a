import { describe, expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { shopClient } from '../shop/client.ts'
import {
  type Answer,
  expectCookies,
  expectCookiesCleared,
  expectFailure,
  type Person,
  portalClient,
  someText,
} from './client.ts'

interface Refreshed {
  message: string
  accessToken?: string
  refreshToken?: string
}

const arrangement = inject('arrangement')
const portal = portalClient(arrangement)

const byCookie = (...values: string[]) =>
  portal.post<Refreshed>('/auth/refresh', { cookie: values.map((value) => `refreshToken=${value}`).join('; ') })
const byBody = (refreshToken: unknown, cookie?: string) =>
  portal.post<Refreshed>('/auth/refresh', { json: { refreshToken }, cookie })

/** A renewal by cookie, exactly: the tokens are in the new cookies only. */
function expectRenewed(answer: Answer<Refreshed>) {
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({ message: someText })
  return expectCookies(answer)
}

/** A renewal for whoever keeps the tokens: they are in the body as well. */
function expectHandedOut(answer: Answer<Refreshed>) {
  expect(answer.status, answer.text).toBe(200)
  const tokens = expectCookies(answer)
  expect(answer.body).toEqual({ message: someText, ...tokens })
  return tokens
}

const meBy = async (token: string) => (await portal.get('/users/me', { token })).status

/** Lets the grace of the session's replaced tokens run out. */
const graceOver = ({ claims }: Pick<Person, 'claims'>) =>
  portal.rows(
    'identity',
    `UPDATE refresh_tokens SET replaced_at = replaced_at - interval '31 seconds'
      WHERE session_id = $1 AND replaced_at IS NOT NULL`,
    [claims.sid],
  )

test('P-52 a refresh by cookie sets new cookies of the same session; by body it answers the tokens as well', async () => {
  const { refreshToken, claims, id } = await portal.register()
  const first = expectRenewed(await byCookie(refreshToken))
  const second = expectHandedOut(await byBody(first.refreshToken))
  expect(new Set([refreshToken, first.refreshToken, second.refreshToken]).size).toBe(3)
  expect(claimsOf(second.accessToken)).toMatchObject({ sid: claims.sid, sub: id })
  expect(await meBy(second.accessToken)).toBe(200)
})

test('P-52 a refresh by cookie hands no tokens out in the body, whoever asks', async () => {
  const { refreshToken } = await portal.register()
  const how = { cookie: `refreshToken=${refreshToken}`, headers: { 'x-token-delivery': 'body' } }
  const answer = await portal.post<Refreshed>('/auth/refresh', how)
  expectRenewed(answer)
  expect(answer.body).toEqual({ message: expect.any(String) })
})

test('P-52 cookies pass both ways, at the gateway and at the user service', async () => {
  for (const [, listener] of portal.listeners) {
    const { refreshToken } = await portal.register()
    expectRenewed(await listener.post<Refreshed>('/auth/refresh', { cookie: `refreshToken=${refreshToken}` }))
  }
})

test('P-55 a refresh by cookie needs no body, and whatever it has for one is ignored', async () => {
  const { refreshToken } = await portal.register()
  const headers = { 'content-type': 'application/json' }
  for (const raw of ['', '{', '{}', 'null', '{"refreshToken":5}', '{"refreshToken":""}']) {
    expectRenewed(
      await portal.post<Refreshed>('/auth/refresh', { cookie: `refreshToken=${refreshToken}`, raw, headers }),
    )
  }
})

test('P-52 of several cookies of the name the one issued here is taken', async () => {
  const { refreshToken } = await portal.register()
  const strange = 'x'.repeat(86)
  const next = expectRenewed(await byCookie(strange, refreshToken)).refreshToken
  expectRenewed(await byCookie(next, strange))
})

test('P-52 a token in the body is the one that is meant, whatever the cookie has', async () => {
  const [named, kept] = [await portal.register(), await portal.register()]
  const cookie = `refreshToken=${kept.refreshToken}`
  const tokens = expectHandedOut(await byBody(named.refreshToken, cookie))
  expect(claimsOf(tokens.accessToken).sub).toBe(named.id)
  // The cookie is no second try.
  expectFailure(await byBody('x'.repeat(86), cookie), 401)
  expectRenewed(await byCookie(kept.refreshToken))
})

test('P-55 without any token it is 400, and no cookie is touched', async () => {
  const answers = [
    await portal.post('/auth/refresh'),
    await byBody(undefined),
    await byBody(''),
    await byBody({ $ne: null }),
    await byCookie(''),
  ]
  for (const answer of answers) {
    expectFailure(answer, 400, ['refreshToken should not be empty'])
    expect(answer.cookies).toEqual({})
  }
})

test('P-52 unknown and expired tokens are 401 and clear the cookies', async () => {
  const { token, refreshToken, claims } = await portal.register()
  const expired = "UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE session_id = $1"
  await portal.rows('identity', expired, [claims.sid])
  const answers = [
    await byCookie('unknown'),
    await byBody('x'.repeat(86)),
    await byBody(token),
    await byCookie(refreshToken),
  ]
  for (const answer of answers) {
    expectFailure(answer, 401)
    expectCookiesCleared(answer)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  }
  expect(await meBy(token)).toBe(200)
})

test('P-52 ten refreshes at once with one token all get one successor', async () => {
  const { refreshToken } = await portal.register()
  const answers = await Promise.all(Array.from({ length: 10 }, () => byCookie(refreshToken)))
  expect(new Set(answers.map((answer) => expectRenewed(answer).refreshToken)).size).toBe(1)
})

test('P-52 reuse of an old one revokes the family: live head and access tokens are 401', async () => {
  const person = await portal.register()
  const next = expectRenewed(await byCookie(person.refreshToken))
  await graceOver(person)
  const reused = await byCookie(person.refreshToken)
  expectFailure(reused, 401)
  expectCookiesCleared(reused)
  expectFailure(await byCookie(next.refreshToken), 401)
  expect([await meBy(person.token), await meBy(next.accessToken)]).toEqual([401, 401])
})

test('P-52 refresh tokens are stored hashed only, for seven days', async () => {
  const { claims, refreshToken } = await portal.register()
  const stored = await portal.rows(
    'identity',
    `SELECT row_to_json(t)::text AS row, round(extract(epoch FROM expires_at - now()) / 86400)::int AS days
       FROM refresh_tokens t WHERE session_id = $1`,
    [claims.sid],
  )
  expect(stored).toEqual([{ row: expect.not.stringContaining(refreshToken), days: 7 }])
})

if (arrangement.hosts.portal)
  describe('beside other contracts', () => {
    test("P-52 another contract's refresh token counts as absent: nothing is revoked, no cookie cleared", async () => {
      const shop = shopClient(arrangement)
      const foreign = await shop.register()
      for (const answer of [await byCookie(foreign.refreshToken), await byBody(foreign.refreshToken)]) {
        expectFailure(answer, 401)
        expect(answer.cookies).toEqual({})
      }
      const own = await portal.register()
      expectRenewed(await byCookie(foreign.refreshToken, own.refreshToken))
      const renewed = await shop.post('/auth/refresh', { json: { refresh_token: foreign.refreshToken } })
      expect(renewed.status).toBe(200)
    })
  })
