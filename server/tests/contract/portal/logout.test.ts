import { expect, inject, test } from 'vitest'
import { expectCookiesCleared, expectFailure, portalClient, someText } from './client.ts'

const portal = portalClient(inject('arrangement'))
const refresh = async (refreshToken: string) => (await portal.post('/auth/refresh', { json: { refreshToken } })).status
const meBy = async (token: string) => (await portal.get('/users/me', { token })).status

test('P-52 after a logout both tokens are 401 and both cookies are gone, by Bearer and by cookie, at every listener', async () => {
  for (const [, listener] of portal.listeners) {
    for (const by of ['bearer', 'cookie'] as const) {
      const { token, refreshToken } = await portal.register()
      const cookie = `accessToken=${token}; refreshToken=${refreshToken}`
      const answer = await listener.post('/auth/logout', by === 'bearer' ? { token } : { cookie })
      expect(answer.status, answer.text).toBe(200)
      expect(answer.body).toEqual({ message: someText })
      expectCookiesCleared(answer)
      for (const [, one] of portal.listeners) {
        expectFailure(await one.get('/users/me', { token }), 401)
        expectFailure(await one.get('/auth/profile', { cookie }), 401)
      }
      expect(await refresh(refreshToken)).toBe(401)
      expectFailure(await listener.post('/auth/logout', { token }), 401)
    }
  }
})

test('P-52 another session of the account goes on, unless its refresh token comes along, in the body or as a cookie', async () => {
  const { token, email, password } = await portal.register()
  const sessions = []
  for (let index = 0; index < 3; index += 1) sessions.push(await portal.signIn(email, password))
  const [byBody, byCookie, third] = sessions
  await portal.post('/auth/logout', { token, json: { refreshToken: byBody!.refreshToken } })
  expect(await meBy(byBody!.token)).toBe(401)
  expect(await meBy(byCookie!.token)).toBe(200)
  await portal.post('/auth/logout', { token: third!.token, cookie: `refreshToken=${byCookie!.refreshToken}` })
  expect(await meBy(byCookie!.token)).toBe(401)
})

test('P-52 of a refresh token in the body and another as a cookie, the one in the body is meant', async () => {
  const { token, email, password } = await portal.register()
  const [named, kept] = [await portal.signIn(email, password), await portal.signIn(email, password)]
  const cookie = `refreshToken=${kept.refreshToken}`
  await portal.post('/auth/logout', { token, cookie, json: { refreshToken: named.refreshToken } })
  expect([await meBy(named.token), await meBy(kept.token)]).toEqual([401, 200])
})

test("P-52 somebody else's refresh token ends nobody's session, and what is none is no error", async () => {
  const [one, other] = [await portal.register(), await portal.register()]
  const answer = await portal.post('/auth/logout', { token: one.token, json: { refreshToken: other.refreshToken } })
  expect(answer.status).toBe(200)
  expect(await meBy(other.token)).toBe(200)
  expect(await refresh(other.refreshToken)).toBe(200)

  const headers = { 'content-type': 'application/json' }
  for (const raw of ['', '{', 'null', '{"refreshToken":5}']) {
    const { token } = await portal.register()
    expect((await portal.post('/auth/logout', { token, raw, headers })).status, raw).toBe(200)
  }
})
