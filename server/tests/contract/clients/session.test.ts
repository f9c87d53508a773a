import { expect, inject, test } from 'vitest'
import { claimsOf, forgeToken } from '../../support/tokens.ts'
import { shopClient } from '../shop/client.ts'
import { type Answer, clientsClient, expectFailure, type Tokens, time, unknownId } from './client.ts'

const arrangement = inject('arrangement')
const clients = clientsClient(arrangement)

const refresh = (refresh_token: unknown) => clients.post<Tokens>('/api/v1/auth/refresh_token', { refresh_token })
const profileOf = (id: string, token?: string) => clients.get(`/api/v1/clients/${id}`, { token })
const me = (token?: string) => clients.get('/api/v1/me', { token })

const expectProfile = (answer: Answer<unknown>, { id, email }: { id: string; email: string }) => {
  expect(answer.status, answer.text).toBe(200)
  const client = {
    id,
    email,
    name: 'Ada Lovelace',
    email_verified: true,
    mfa_enabled: true,
    created_at: expect.stringMatching(time),
    updated_at: expect.stringMatching(time),
  }
  expect(answer.body).toEqual({ success: true, ...client, client })
}

test('C-14 /me is the signed-in client, at the top level and under `client`', async () => {
  const person = await clients.signedIn()
  expectProfile(await me(person.token), person)
})

test("C-09 one's own profile by id, in any case, or as `me`", async () => {
  const person = await clients.signedIn()
  for (const id of [person.id, person.id.toUpperCase(), 'me']) expectProfile(await profileOf(id, person.token), person)
})

test('C-09 401 comes first, then 404 for a malformed id, then 403 for any other, whether it exists or not', async () => {
  const person = await clients.signedIn()
  const other = await clients.register()
  for (const id of [person.id, other.id, unknownId, 'nobody', 'me']) {
    expectFailure(await profileOf(id), 401, 'UNAUTHORIZED', 0, id)
  }
  for (const id of ['nobody', '7', 'ME', `${person.id}0`, person.id.replaceAll('-', ''), '%00']) {
    expectFailure(await profileOf(id, person.token), 404, 'NOT_FOUND', 0, id)
  }
  const [theirs, nobodys] = [await profileOf(other.id, person.token), await profileOf(unknownId, person.token)]
  for (const answer of [theirs, nobodys]) expectFailure(answer, 403, 'FORBIDDEN')
  expect(theirs.text).toBe(nobodys.text)
})

test('C-09 C-12 C-14 what is no access token of ours is 401 UNAUTHORIZED, with the scheme that is wanted', async () => {
  const { token, refreshToken, claims } = await clients.signedIn()
  const [head = '', payload = ''] = token.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object
  const forged = {
    'no signature': forgeToken({ alg: 'none', typ: 'JWT' }, claims),
    'another key': forgeToken({ alg: 'HS256', typ: 'JWT' }, claims, 'a secret of somebody else, long enough'),
    'another payload': `${head}.${Buffer.from(JSON.stringify({ ...claims, email: 'x@example.org' })).toString('base64url')}.${token.split('.')[2]}`,
    truncated: token.slice(0, -2),
    'unknown key id': forgeToken({ ...header, kid: 'unknown' }, claims, 'x'),
    'a refresh token': refreshToken,
    nonsense: 'nonsense',
    '10 kB long': `${head}.${payload}${'A'.repeat(10_000)}.x`,
  }
  for (const [kind, wrong] of Object.entries(forged)) {
    for (const path of ['/api/v1/me', `/api/v1/clients/${claims.uid}`]) {
      const answer = await clients.get(path, { token: wrong })
      expectFailure(answer, 401, 'UNAUTHORIZED', 0, `${kind} ${path}`)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    expectFailure(await clients.post('/api/v1/auth/logout', undefined, { token: wrong }), 401, 'UNAUTHORIZED', 0, kind)
  }
  expectFailure(await me(), 401, 'UNAUTHORIZED')
  const basic = await clients.get('/api/v1/me', { headers: { authorization: 'Basic YTpi' } })
  expectFailure(basic, 401, 'UNAUTHORIZED')
  expectFailure(await clients.post('/api/v1/auth/logout'), 401, 'UNAUTHORIZED')
})

test('C-12 C-20 logout ends every live session of the client, at once; no event', async () => {
  const person = await clients.signedIn()
  const second = await clients.signIn(person)
  const answer = await clients.post('/api/v1/auth/logout', undefined, { token: person.token })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })
  for (const token of [person.token, second.token]) expectFailure(await me(token), 401, 'UNAUTHORIZED')
  for (const token of [person.refreshToken, second.refresh_token]) {
    expectFailure(await refresh(token), 401, 'REFRESH_FAILED')
  }
  expectFailure(await clients.post('/api/v1/auth/logout', undefined, { token: person.token }), 401, 'UNAUTHORIZED')
  const live = await clients.rows('SELECT 1 FROM sessions WHERE account_id = $1 AND ended_at IS NULL', [person.id])
  expect(live).toEqual([])
  const types = (await clients.events(person.id)).map(({ type }) => type)
  expect(types).toEqual(['client.registered', 'client.email_verified', 'client.logged_in', 'client.logged_in'])
})

test('C-12 a JSON content type without a body is no fault', async () => {
  const { token } = await clients.signedIn()
  const headers = { 'content-type': 'application/json' }
  expect((await clients.post('/api/v1/auth/logout', undefined, { token, headers })).status).toBe(200)
})

test('C-12 logout leaves other people signed in', async () => {
  const [one, other] = [await clients.signedIn(), await clients.signedIn()]
  await clients.post('/api/v1/auth/logout', undefined, { token: one.token })
  expect(await clients.statusOf(other.token)).toBe(200)
})

test('C-13 a refresh token is replaced, and the new token is as good', async () => {
  const person = await clients.signedIn()
  const answer = await refresh(person.refreshToken)
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({
    success: true,
    token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    expires_at: expect.stringMatching(time),
    refresh_token: expect.stringMatching(/^[\w-]{86}$/),
  })
  const { token, refresh_token } = answer.body
  expect(refresh_token).not.toBe(person.refreshToken)
  expect(claimsOf(token)).toMatchObject({ sid: person.claims.sid, client_id: person.id, amr: ['pwd', 'otp'] })
  expect(await clients.statusOf(token)).toBe(200)
  expect((await refresh(refresh_token)).status).toBe(200)
})

test('C-13 the same refresh token within 30 seconds gets the live one; later its session ends', async () => {
  const person = await clients.signedIn()
  const successor = (await refresh(person.refreshToken)).body.refresh_token
  expect((await refresh(person.refreshToken)).body.refresh_token).toBe(successor)

  await clients.rows(
    `UPDATE refresh_tokens SET replaced_at = now() - interval '31 seconds' WHERE session_id = $1 AND replaced_at IS NOT NULL`,
    [person.claims.sid],
  )
  expectFailure(await refresh(person.refreshToken), 401, 'REFRESH_FAILED')
  expectFailure(await refresh(successor), 401, 'REFRESH_FAILED', 0, 'the whole family is gone')
  expectFailure(await me(person.token), 401, 'UNAUTHORIZED')
})

test('C-13 an access token, and anything else that is no refresh token, is 401 REFRESH_FAILED', async () => {
  const { token } = await clients.signedIn()
  for (const wrong of [token, 'nonsense', 'x'.repeat(86)]) expectFailure(await refresh(wrong), 401, 'REFRESH_FAILED')
  expect(await clients.statusOf(token)).toBe(200)
})

test('C-13 a missing or wrongly typed refresh token is 400 PARAMETER_MISSING', async () => {
  for (const wrong of [undefined, '', 7, null, ['x']]) expectFailure(await refresh(wrong), 400, 'PARAMETER_MISSING')
  expectFailure(await clients.post('/api/v1/auth/refresh_token'), 400, 'PARAMETER_MISSING')
})

if (arrangement.name === 'all')
  test('C-14 C-13 tokens of another contract are refused, and ours by the others', async () => {
    const shop = shopClient(arrangement)
    const theirs = await shop.register()
    expectFailure(await me(theirs.token), 401, 'UNAUTHORIZED')
    expectFailure(await refresh(theirs.refreshToken), 401, 'REFRESH_FAILED')
    expect((await shop.post('/auth/refresh', { json: { refresh_token: theirs.refreshToken } })).status).toBe(200)

    const { token } = await clients.signedIn()
    expect((await shop.get('/users/profile', { token })).status).toBe(401)
  })
