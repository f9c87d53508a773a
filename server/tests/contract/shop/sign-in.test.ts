import { expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'
import { call, expectFailure, type Pair, shopClient, type User } from './client.ts'

const arrangement = inject('arrangement')
const shop = shopClient(arrangement)

const login = (json: unknown) => shop.post<Pair>('/auth/login', { json })

test('S-01 S-03 S-04 S-20 S-21 S-25 S-54 admin/admin signs in with the answer of the contract, at the gateway and at the auth service', async () => {
  for (const base of [shop.urls.gateway, shop.urls.auth]) {
    const before = Math.floor(Date.now() / 1000)
    const answer = await call<Pair>('POST', `${base}/auth/login`, { json: { username: 'admin', password: 'admin' } })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      data: {
        access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        // 64 random bytes, URL-safe.
        refresh_token: expect.stringMatching(/^[\w-]{86}$/),
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_expires_at: expect.any(Number),
      },
    })
    const { access_token, refresh_expires_at } = answer.body.data
    const claims = claimsOf(access_token)
    expect(claims).toMatchObject({ sub: 'admin', type: 'access', role: 'admin', aud: 'shop', jti: expect.any(String) })
    expect(claims.exp).toBe(claims.iat + 3600)
    expect(claims.iat).toBeGreaterThanOrEqual(before)
    expect(refresh_expires_at - before).toBeGreaterThanOrEqual(30 * 24 * 3600 - 1)
    expect(refresh_expires_at - before).toBeLessThan(30 * 24 * 3600 + 60)
  }
})

test('S-22 S-34 S-55 the token of a login opens the profile', async () => {
  const token = await shop.admin()
  const answer = await shop.get<User>('/users/profile', { token })
  expect(answer.status).toBe(200)
  expect(answer.body.data).toMatchObject({ username: 'admin', email: 'admin@example.com' })
})

test('S-25 a wrong password and an unknown user get the same answer byte for byte; no event', async () => {
  const person = await shop.register()
  const wrong = await login({ username: person.username, password: 'not the password' })
  const unknown = await login({ username: uniqueName('nobody'), password: 'not the password' })
  expectFailure(wrong, 401, 'INVALID_CREDENTIALS')
  expect(unknown.status).toBe(wrong.status)
  expect(unknown.text).toBe(wrong.text)
  expect([...unknown.headers.keys()]).toEqual([...wrong.headers.keys()])
  for (const header of ['content-type', 'content-length', 'www-authenticate']) {
    expect(unknown.headers.get(header)).toBe(wrong.headers.get(header))
  }
  expect(await shop.recorded('identity', person.claims.uid)).toEqual(['account.registered', 'membership.started'])
})

test('S-25 missing, empty and wrongly typed credentials are 400 MISSING_CREDENTIALS', async () => {
  const bodies: unknown[] = [
    {},
    { username: 'admin' },
    { password: 'admin' },
    { username: '', password: 'admin' },
    { username: 'admin', password: '' },
    ...[1, true, null, ['admin'], { admin: 'admin' }].flatMap((wrong) => [
      { username: wrong, password: 'admin' },
      { username: 'admin', password: wrong },
    ]),
    [],
    ['admin', 'admin'],
    'admin',
    null,
    7,
  ]
  for (const json of bodies) expectFailure(await login(json), 400, 'MISSING_CREDENTIALS', JSON.stringify(json))
})

test('S-25 long, odd and hostile credentials are refused in contract form', async () => {
  const long = 'x'.repeat(60_000)
  expectFailure(await login({ username: long, password: 'admin' }), 401, 'INVALID_CREDENTIALS')
  expectFailure(await login({ username: 'admin', password: long }), 401, 'INVALID_CREDENTIALS')
  expectFailure(await login({ username: '🦊', password: '🦊🦊🦊🦊' }), 401, 'INVALID_CREDENTIALS')
  expectFailure(await login({ username: "' OR 1=1 --", password: "' OR 1=1 --" }), 401, 'INVALID_CREDENTIALS')
  for (const odd of ['admin\u0000', '\u0000', '\ud800']) {
    for (const json of [
      { username: odd, password: 'admin' },
      { username: 'admin', password: odd },
    ]) {
      const { status, body } = await login(json)
      expect([400, 401], JSON.stringify(json)).toContain(status)
      expect(body.error?.code).toBe(status === 400 ? 'MISSING_CREDENTIALS' : 'INVALID_CREDENTIALS')
    }
  }
})

test('S-31 S-34 registering answers 201, makes the profile and lets the person in; one account.registered', async () => {
  const username = uniqueName('ada')
  const json = { username, password: 'correct 🦊 horse', email: `${username}@example.org` }
  const made = await shop.post<{ user_id: number }>('/auth/register', { json })
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    success: true,
    message: expect.stringMatching(/\S/),
    data: { user_id: expect.any(Number), username },
  })
  const { access_token: token } = await shop.signIn(username, json.password)
  expect(claimsOf(token)).toMatchObject({ sub: username, role: 'user' })
  const profile = await shop.get<User>('/users/profile', { token })
  expect(profile.status).toBe(200)
  expect(profile.body.data).toMatchObject({ id: made.body.data.user_id, username, email: json.email })
  expect(await shop.recorded('identity', claimsOf(token).uid)).toEqual(['account.registered', 'membership.started'])
})

test('S-31 what cannot be registered is 400 and makes nothing', async () => {
  const username = uniqueName('eve')
  const password = 'long enough'
  const register = (json: unknown) => shop.post('/auth/register', { json })
  for (const json of [{}, { username }, { password }, { username: 1, password }, { username, password: [password] }]) {
    expectFailure(await register(json), 400, 'MISSING_CREDENTIALS', JSON.stringify(json))
  }
  const refused: object[] = [
    { username, password: '1234567' },
    { username, password: 'x'.repeat(60_000) },
    { username: 'x'.repeat(60_000), password },
    { username: 'x', password },
    { username: `${username} `, password },
    { username: `${username}🦊`, password },
    { username: `<b>${username}</b>`, password },
    { username, password, email: 'not an address' },
    { username, password, email: 5 },
    { username, password, email: `${'x'.repeat(60_000)}@example.org` },
  ]
  for (const json of refused) {
    expectFailure(await register(json), 400, 'CREATION_FAILED', JSON.stringify(json).slice(0, 80))
  }
  for (const json of [
    { username: `${username}\u0000`, password },
    { username, password: `${password}\u0000` },
  ]) {
    expect((await register(json)).status).toBe(400)
  }
  const made = await shop.rows('identity', 'SELECT 1 FROM accounts WHERE username LIKE $1', [`${username}%`])
  expect(made).toEqual([])
  const told = await shop.rows('identity', "SELECT 1 FROM outbox_events WHERE data->>'username' LIKE $1", [
    `${username}%`,
  ])
  expect(told).toEqual([])
})

test('S-31 a taken username is CREATION_FAILED, whatever its case and however many try at once', async () => {
  const username = uniqueName('Grace')
  const register = (name: string) => shop.post('/auth/register', { json: { username: name, password: 'long enough' } })
  const answers = await Promise.all(Array.from({ length: 10 }, () => register(username)))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  for (const answer of answers) if (answer.status !== 201) expectFailure(answer, 400, 'CREATION_FAILED')
  expectFailure(await register(username.toUpperCase()), 400, 'CREATION_FAILED')
  const told = await shop.rows(
    'identity',
    "SELECT type FROM outbox_events WHERE data->>'username' = $1 ORDER BY sequence",
    [username],
  )
  expect(told).toEqual([{ type: 'account.registered' }, { type: 'membership.started' }])
})

test('S-45 passwords are stored hashed only', async () => {
  const { claims } = await shop.register()
  const [row] = await shop.rows<{ account: string; hash: string }>(
    'identity',
    'SELECT row_to_json(a)::text AS account, password_hash AS hash FROM accounts a WHERE id = $1',
    [claims.uid],
  )
  expect(row!.hash).toMatch(/^\$argon2id\$/)
  expect(row!.account).not.toContain('password of ')
})

test('S-28 logout ends the session at once, at the gateway and at the units; no event', async () => {
  const person = await shop.register()
  const { token, refreshToken } = person
  const places = [
    `${shop.urls.gateway}/users/profile`,
    `${shop.urls.users}/users/profile`,
    `${shop.urls.orders}/orders`,
  ]
  for (const url of places) expect((await call('GET', url, { token })).status).toBe(200)

  const answer = await shop.post('/auth/logout', { token, json: { refresh_token: refreshToken } })
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })

  for (const url of places) expectFailure(await call('GET', url, { token }), 401, 'INVALID_TOKEN', url)
  expectFailure(await shop.post('/auth/verify', { json: { token } }), 401, 'INVALID_TOKEN')
  expectFailure(await call('POST', `${shop.urls.auth}/auth/logout`, { token }), 401, 'INVALID_TOKEN')
  expectFailure(await shop.post('/auth/refresh', { json: { refresh_token: refreshToken } }), 401, 'INVALID_TOKEN')
  expect(await shop.recorded('identity', person.claims.uid)).toEqual(['account.registered', 'membership.started'])
})

test('S-28 logout is 200 with an unknown or no refresh token, 401 without a token', async () => {
  const person = await shop.register()
  for (const options of [{ json: { refresh_token: 'nobody ever had it' } }, { json: {} }, {}]) {
    const { access_token: token } = await shop.signIn(person.username, person.password)
    const answer = await shop.post('/auth/logout', { token, ...options })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })
    expectFailure(await shop.get('/users/profile', { token }), 401, 'INVALID_TOKEN')
  }
  expectFailure(await shop.post('/auth/logout', { json: {} }), 401, 'MISSING_TOKEN')
  expect((await shop.get('/users/profile', { token: person.token })).status, 'another session goes on').toBe(200)
})

test("S-28 logout does not end somebody else's session", async () => {
  const [mallory, victim] = await Promise.all([shop.register(), shop.register()])
  const json = { refresh_token: victim.refreshToken }
  expect((await shop.post('/auth/logout', { token: mallory.token, json })).status).toBe(200)
  expect((await shop.get('/users/profile', { token: victim.token })).status).toBe(200)
  expect((await shop.post('/auth/refresh', { json })).status).toBe(200)
})
