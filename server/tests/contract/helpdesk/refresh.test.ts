import { describe, expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { shopClient } from '../shop/client.ts'
import {
  expectFailure,
  expectRefreshCookieCleared,
  expectTokens,
  helpdeskClient,
  type Person,
  type TokenAnswer,
} from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)

const byCookie = (...values: string[]) => {
  const cookie = values.map((value) => `refreshToken=${value}`).join('; ')
  return helpdesk.post<TokenAnswer>('/api/auth/refresh', { cookie })
}
const byBody = (refreshToken: unknown, cookie?: string) =>
  helpdesk.post<TokenAnswer>('/api/auth/refresh', { json: { refreshToken }, cookie })

/** Lets the grace of the session's replaced tokens run out. */
const graceOver = ({ claims }: Pick<Person, 'claims'>) =>
  helpdesk.rows(
    `UPDATE refresh_tokens SET replaced_at = replaced_at - interval '31 seconds'
      WHERE session_id = $1 AND replaced_at IS NOT NULL`,
    [claims.sid],
  )

test('H-16 H-51 a refresh by cookie or by body answers a new pair of the same session, with a new cookie', async () => {
  const { email, refreshToken, claims } = await helpdesk.register()
  const first = expectTokens(await byCookie(refreshToken), 200, email)
  const second = expectTokens(await byBody(first.refreshToken), 200, email)
  expect(new Set([refreshToken, first.refreshToken, second.refreshToken]).size).toBe(3)
  expect(claimsOf(second.accessToken)).toMatchObject({ sid: claims.sid, userId: claims.uid })
  expect((await helpdesk.get('/api/auth/me', { token: second.accessToken })).status).toBe(200)
})

test('H-16 a refresh by cookie needs no body, and whatever it has for one is ignored', async () => {
  const { email, refreshToken } = await helpdesk.register()
  const cookie = `refreshToken=${refreshToken}`
  const headers = { 'content-type': 'application/json' }
  for (const raw of ['', '{', '{}', 'null', '{"refreshToken":5}']) {
    const answer = await helpdesk.post<TokenAnswer>('/api/auth/refresh', { cookie, raw, headers })
    expectTokens(answer, 200, email)
  }
})

test('H-16 of several cookies of the name the one issued here is taken, and so it is beside a body', async () => {
  const { email, refreshToken } = await helpdesk.register()
  const strange = 'x'.repeat(86)
  const next = expectTokens(await byCookie(strange, refreshToken), 200, email).refreshToken
  const third = expectTokens(await byCookie(next, strange), 200, email).refreshToken
  expectTokens(await byBody(strange, `refreshToken=${third}`), 200, email)
})

test('H-16 missing and unknown tokens are 401 and clear the cookie', async () => {
  const { token } = await helpdesk.register()
  const answers = [
    await helpdesk.post('/api/auth/refresh'),
    await byBody(undefined),
    await byBody(''),
    await byBody({ $ne: null }),
    await byBody('x'.repeat(86)),
    await byBody(token),
    await byCookie('unknown'),
    await byCookie(''),
  ]
  for (const answer of answers) {
    expectFailure(answer, 401, 'INVALID_REFRESH_TOKEN')
    expectRefreshCookieCleared(answer)
  }
})

test('H-16 H-51 an expired refresh token is 401; the access token stays good', async () => {
  const { refreshToken, token, claims } = await helpdesk.register()
  await helpdesk.rows("UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE session_id = $1", [
    claims.sid,
  ])
  const answer = await byCookie(refreshToken)
  expectFailure(answer, 401, 'INVALID_REFRESH_TOKEN')
  expectRefreshCookieCleared(answer)
  expect((await helpdesk.get('/api/auth/me', { token })).status).toBe(200)
})

test('H-51 ten refreshes at once with one token all get one successor', async () => {
  const { refreshToken, email } = await helpdesk.register()
  const answers = await Promise.all(Array.from({ length: 10 }, () => byBody(refreshToken)))
  const successors = new Set(answers.map((answer) => answer.body.refreshToken))
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
  expect(successors.size).toBe(1)
  expectTokens(await byBody([...successors][0]), 200, email)
})

test('H-16 H-52 reuse of an old one revokes the family: live head and access tokens are 401', async () => {
  const person = await helpdesk.register()
  const next = expectTokens(await byCookie(person.refreshToken), 200, person.email)
  await graceOver(person)
  const reused = await byCookie(person.refreshToken)
  expectFailure(reused, 401, 'INVALID_REFRESH_TOKEN')
  expectRefreshCookieCleared(reused)
  expectFailure(await byBody(next.refreshToken), 401, 'INVALID_REFRESH_TOKEN')
  for (const token of [person.token, next.accessToken]) {
    expectFailure(await helpdesk.get('/api/auth/me', { token }), 401, 'INVALID_TOKEN')
  }
  expect(await helpdesk.recorded(person.id)).toContain('session.revoked')
})

test('H-51 refresh tokens are stored hashed only, for seven days', async () => {
  const { claims, refreshToken } = await helpdesk.register()
  const stored = await helpdesk.rows<{ row: string; days: number }>(
    `SELECT row_to_json(t)::text AS row, round(extract(epoch FROM expires_at - now()) / 86400)::int AS days
       FROM refresh_tokens t WHERE session_id = $1`,
    [claims.sid],
  )
  expect(stored).toEqual([{ row: expect.not.stringContaining(refreshToken), days: 7 }])
})

if (arrangement.name === 'all')
  describe('beside other contracts', () => {
    test("H-16 another contract's refresh token counts as absent: nothing is revoked, no cookie cleared", async () => {
      const shop = shopClient(arrangement)
      const foreign = await shop.register()
      for (const answer of [await byCookie(foreign.refreshToken), await byBody(foreign.refreshToken)]) {
        expectFailure(answer, 401, 'INVALID_REFRESH_TOKEN')
        expect(answer.cookies.refreshToken).toBeUndefined()
      }
      const own = await helpdesk.register()
      expectTokens(await byCookie(foreign.refreshToken, own.refreshToken), 200, own.email)
      const renewed = await shop.post('/auth/refresh', { json: { refresh_token: foreign.refreshToken } })
      expect(renewed.status).toBe(200)
    })
  })
