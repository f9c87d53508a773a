import { expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { expectFailure, expectNotVerified, expectRefreshCookieCleared, helpdeskClient } from './client.ts'

const helpdesk = helpdeskClient(inject('arrangement'))
const done = { success: true, message: expect.stringMatching(/\S/) }
const refresh = (refreshToken: string) => helpdesk.post('/api/auth/refresh', { json: { refreshToken } })

test('H-21 H-52 after a logout the access token and the refresh token are 401; the cookie is cleared', async () => {
  const { token, refreshToken, id } = await helpdesk.register()
  const answer = await helpdesk.post('/api/auth/logout', { token })
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual(done)
  expectRefreshCookieCleared(answer)
  expectFailure(await helpdesk.get('/api/auth/me', { token }), 401, 'INVALID_TOKEN')
  expectNotVerified(await helpdesk.get('/api/auth/verify', { token }))
  expectFailure(await refresh(refreshToken), 401, 'INVALID_REFRESH_TOKEN')
  expectFailure(await helpdesk.post('/api/auth/logout', { token }), 401, 'INVALID_TOKEN')
  expect(await helpdesk.recorded(id)).toEqual([
    'account.registered',
    'membership.started',
    'user.registered',
    'user.login',
    'user.logout',
  ])
})

test('H-21 another session of the account goes on, unless its refresh token comes along', async () => {
  const { token, email, password } = await helpdesk.register()
  const [byBody, byCookie, third] = [
    await helpdesk.signIn(email, password),
    await helpdesk.signIn(email, password),
    await helpdesk.signIn(email, password),
  ]
  await helpdesk.post('/api/auth/logout', { token, json: { refreshToken: byBody.refreshToken } })
  expectFailure(await helpdesk.get('/api/auth/me', { token: byBody.accessToken }), 401, 'INVALID_TOKEN')
  expect((await helpdesk.get('/api/auth/me', { token: byCookie.accessToken })).status).toBe(200)

  const cookie = `refreshToken=${byCookie.refreshToken}`
  await helpdesk.post('/api/auth/logout', { token: third.accessToken, cookie })
  expectFailure(await helpdesk.get('/api/auth/me', { token: byCookie.accessToken }), 401, 'INVALID_TOKEN')
})

test('H-21 of a refresh token in the body and another as a cookie, the one in the body is meant', async () => {
  const { token, email, password } = await helpdesk.register()
  const [named, kept] = [await helpdesk.signIn(email, password), await helpdesk.signIn(email, password)]
  const cookie = `refreshToken=${kept.refreshToken}`
  await helpdesk.post('/api/auth/logout', { token, cookie, json: { refreshToken: named.refreshToken } })
  expectFailure(await helpdesk.get('/api/auth/me', { token: named.accessToken }), 401, 'INVALID_TOKEN')
  expect((await helpdesk.get('/api/auth/me', { token: kept.accessToken })).status).toBe(200)
})

test("H-21 somebody else's refresh token ends nobody's session, and what is none is no error", async () => {
  const [one, other] = await Promise.all([helpdesk.register(), helpdesk.register()])
  const answer = await helpdesk.post('/api/auth/logout', {
    token: one.token,
    json: { refreshToken: other.refreshToken },
  })
  expect(answer.status).toBe(200)
  expect((await helpdesk.get('/api/auth/me', { token: other.token })).status).toBe(200)
  expect((await refresh(other.refreshToken)).status).toBe(200)

  const headers = { 'content-type': 'application/json' }
  for (const raw of ['', '{', 'null', '{"refreshToken":5}']) {
    const { token } = await helpdesk.register()
    expect((await helpdesk.post('/api/auth/logout', { token, raw, headers })).status, raw).toBe(200)
  }
})

test('H-21 H-52 logout-all ends every session of the account, and nobody else is touched', async () => {
  const [person, other] = await Promise.all([helpdesk.register(), helpdesk.register()])
  const second = await helpdesk.signIn(person.email, person.password)
  const answer = await helpdesk.post('/api/auth/logout-all', { token: second.accessToken })
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual(done)
  expectRefreshCookieCleared(answer)
  for (const token of [person.token, second.accessToken]) {
    expectFailure(await helpdesk.get('/api/auth/me', { token }), 401, 'INVALID_TOKEN')
  }
  for (const token of [person.refreshToken, second.refreshToken]) {
    expectFailure(await refresh(token), 401, 'INVALID_REFRESH_TOKEN')
  }
  expect((await helpdesk.get('/api/auth/me', { token: other.token })).status).toBe(200)
  expect((await helpdesk.recorded(person.id)).at(-1)).toBe('user.logout_all_devices')

  const again = await helpdesk.signIn(person.email, person.password)
  expect(claimsOf(again.accessToken).sid).not.toBe(person.claims.sid)
  expect((await helpdesk.get('/api/auth/me', { token: again.accessToken })).status).toBe(200)
})

test('H-21 without a token both are 401', async () => {
  for (const path of ['/api/auth/logout', '/api/auth/logout-all']) {
    expectFailure(await helpdesk.post(path), 401, 'MISSING_TOKEN')
    expectFailure(await helpdesk.post(path, { token: 'nonsense' }), 401, 'INVALID_TOKEN')
  }
})
