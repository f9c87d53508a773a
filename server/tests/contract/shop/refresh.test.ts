import { expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { call, expectFailure, type Pair, type Person, shopClient } from './client.ts'

const shop = shopClient(inject('arrangement'))

const refresh = (refresh_token: unknown) => shop.post<Pair>('/auth/refresh', { json: { refresh_token } })

async function rotate(token: string): Promise<Pair> {
  const answer = await refresh(token)
  expect(answer.status, answer.text).toBe(200)
  return answer.body.data
}

/** Lets the grace of the session's replaced tokens run out. */
const graceOver = ({ claims }: Pick<Person, 'claims'>) =>
  shop.rows(
    'identity',
    `UPDATE refresh_tokens SET replaced_at = replaced_at - interval '31 seconds'
      WHERE session_id = $1 AND replaced_at IS NOT NULL`,
    [claims.sid],
  )

test('S-26 S-43 a refresh answers like a login, with a new pair of the same session; no event', async () => {
  const person = await shop.register()
  const answer = await refresh(person.refreshToken)
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({
    success: true,
    data: {
      access_token: expect.any(String),
      refresh_token: expect.stringMatching(/^[\w-]{86}$/),
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_expires_at: expect.any(Number),
    },
  })
  const { access_token, refresh_token } = answer.body.data
  expect(refresh_token).not.toBe(person.refreshToken)
  expect(claimsOf(access_token)).toMatchObject({ sub: person.username, uid: person.claims.uid, sid: person.claims.sid })
  expect(claimsOf(access_token).jti).not.toBe(person.claims.jti)
  expect((await shop.get('/users/profile', { token: access_token })).status).toBe(200)
  await rotate(refresh_token)
  expect(await shop.recorded('identity', person.claims.uid)).toEqual(['account.registered', 'membership.started'])
})

test('S-43 S-47 refresh tokens are stored hashed only', async () => {
  const { claims, refreshToken } = await shop.register()
  await rotate(refreshToken)
  const stored = await shop.rows<{ row: string }>(
    'identity',
    'SELECT row_to_json(t)::text AS row FROM refresh_tokens t WHERE session_id = $1',
    [claims.sid],
  )
  expect(stored).toHaveLength(2)
  const asBytes = Buffer.from(refreshToken).toString('hex')
  for (const { row } of stored) {
    expect(row).not.toContain(refreshToken)
    expect(row).not.toContain(asBytes)
  }
})

test('S-26 a missing token is 400 MISSING_TOKEN, an unknown one 401 INVALID_TOKEN', async () => {
  for (const json of [
    {},
    { refresh_token: '' },
    { refresh_token: 5 },
    { refresh_token: null },
    { refresh_token: [] },
    [],
  ]) {
    expectFailure(await shop.post('/auth/refresh', { json }), 400, 'MISSING_TOKEN', JSON.stringify(json))
  }
  const { token } = await shop.register()
  for (const unknown of ['x', 'x'.repeat(86), 'x'.repeat(60_000), '🦊', token]) {
    expectFailure(await refresh(unknown), 401, 'INVALID_TOKEN', unknown.slice(0, 20))
  }
})

test('S-26 S-43 50 parallel refreshes with one token all get one and the same successor', async () => {
  const { refreshToken, claims } = await shop.register()
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refreshToken)))
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
  const successors = new Set(answers.map(({ body }) => body.data.refresh_token))
  expect(successors.size).toBe(1)
  for (const { body } of [answers[0]!, answers[49]!]) {
    expect((await shop.get('/users/profile', { token: body.data.access_token })).status).toBe(200)
  }
  const [successor] = successors
  await rotate(successor!)
  expect(await shop.recorded('identity', claims.uid)).toEqual(['account.registered', 'membership.started'])
})

test('S-43 a late tab in the grace gets the live head, also after two more rotations', async () => {
  const { refreshToken: first } = await shop.register()
  const second = await rotate(first)
  const third = await rotate(second.refresh_token)
  const head = await rotate(third.refresh_token)
  for (const late of [first, second.refresh_token, third.refresh_token]) {
    const answer = await rotate(late)
    expect(answer.refresh_token).toBe(head.refresh_token)
    expect((await shop.get('/users/profile', { token: answer.access_token })).status).toBe(200)
  }
  expect((await rotate(head.refresh_token)).refresh_token).not.toBe(head.refresh_token)
})

test('S-43 reuse after the grace ends that session at once and no other; one session.revoked', async () => {
  const person = await shop.register()
  const other = await shop.signIn(person.username, person.password)
  const renewed = await rotate(person.refreshToken)
  await graceOver(person)

  const places = [
    `${shop.urls.gateway}/users/profile`,
    `${shop.urls.users}/users/profile`,
    `${shop.urls.orders}/orders`,
  ]
  for (const url of places) expect((await call('GET', url, { token: renewed.access_token })).status).toBe(200)

  expectFailure(await refresh(person.refreshToken), 401, 'INVALID_TOKEN')
  for (const token of [person.token, renewed.access_token]) {
    for (const url of places) expectFailure(await call('GET', url, { token }), 401, 'INVALID_TOKEN', url)
    expectFailure(await shop.post('/auth/verify', { json: { token } }), 401, 'INVALID_TOKEN')
  }
  expectFailure(await refresh(renewed.refresh_token), 401, 'INVALID_TOKEN', 'the live head')

  expect((await shop.get('/users/profile', { token: other.access_token })).status).toBe(200)
  await rotate(other.refresh_token)

  await Promise.all(Array.from({ length: 5 }, () => refresh(person.refreshToken)))
  const events = await shop.rows(
    'identity',
    "SELECT data FROM outbox_events WHERE aggregate_id = $1 AND type = 'session.revoked'",
    [person.claims.uid],
  )
  expect(events).toEqual([{ data: { sessionId: person.claims.sid, contract: 'shop', reason: 'refresh_token_reused' } }])
  expect(await shop.recorded('identity', person.claims.uid)).toEqual([
    'account.registered',
    'membership.started',
    'session.revoked',
  ])
})

test('S-43 an expired refresh token is 401 and revokes nothing; no event', async () => {
  const person = await shop.register()
  await shop.rows(
    'identity',
    "UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE session_id = $1",
    [person.claims.sid],
  )
  expectFailure(await refresh(person.refreshToken), 401, 'INVALID_TOKEN')
  expect((await shop.get('/users/profile', { token: person.token })).status).toBe(200)
  expect(await shop.recorded('identity', person.claims.uid)).toEqual(['account.registered', 'membership.started'])
})
