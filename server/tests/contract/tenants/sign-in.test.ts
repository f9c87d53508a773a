import { beforeAll, expect, inject, test } from 'vitest'
import { call } from '../../support/http-call.ts'
import { claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'
import { expectFailure, expectTokenRefused, type Pair, password, tenantsClient } from './client.ts'

const api = tenantsClient(inject('arrangement'))
beforeAll(api.ensureVendor)

const login = (email: string, secret: string, tenant_name: string) =>
  api.post<Pair>('/api/login', { email, password: secret, tenant_name })

test('T-03 T-39 T-57 signing in gives a short-lived access token with tenant and role, and a refresh token', async () => {
  const tenant = uniqueName('tenant')
  const joined = await api.join(tenant)
  const answer = await login(joined.email.toUpperCase(), password, ` ${tenant.toUpperCase()} `)
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: {
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_token: expect.stringMatching(/^[\w-]{40,}$/),
    },
  })
  expect(claimsOf(answer.body.access_token)).toEqual({
    sub: String(joined.id),
    tenant_id: joined.claims.tenant_id,
    role: 'tenant_admin',
    type: 'access',
    aud: 'tenants',
    sid: expect.any(String),
    uid: expect.any(String),
    tid: expect.any(String),
    ver: expect.any(Number),
    jti: expect.any(String),
    amr: ['pwd'],
    iat: expect.any(Number),
    exp: expect.any(Number),
  })
  const { iat, exp } = claimsOf(answer.body.access_token)
  expect(exp - iat).toBe(15 * 60)
})

test('T-39 wrong password, unknown address, unknown tenant and locked account get one answer', async () => {
  const { name, user } = await api.tenant()
  const wrong = await login(user.email, 'Wrong123!', name)
  expectFailure(wrong, 401, 'Invalid credentials')
  const others = [
    await login(`${uniqueName('nobody')}@example.org`, password, name),
    await login(user.email, password, uniqueName('nowhere')),
    await login(user.email, password, 'main'),
  ]
  for (const other of others) {
    expect(other.text).toBe(wrong.text)
    expect(other.status).toBe(401)
    expect([...other.headers.keys()]).toEqual([...wrong.headers.keys()])
  }
})

test('T-39 after ten wrong passwords the right one is refused like a wrong one, for a quarter of an hour', async () => {
  const { name, user } = await api.tenant()
  for (let attempt = 0; attempt < 10; attempt += 1) {
    expectFailure(await login(user.email, 'Wrong123!', name), 401, 'Invalid credentials', String(attempt))
  }
  expectFailure(await login(user.email, password, name), 401, 'Invalid credentials')
  expect(await api.statusOf(user.token), 'who is signed in goes on').toBe(200)
  const locks = await api.rows(
    `SELECT round(extract(epoch FROM locked_until - now()) / 60)::int AS minutes FROM sign_in_counters
      WHERE account_id = $1 AND contract = 'tenants'`,
    [user.claims.uid],
  )
  expect(locks).toEqual([{ minutes: 15 }])
})

test('T-39 missing and wrongly typed fields are 400; odd ones are wrong credentials', async () => {
  const json = { email: 'ada@example.org', password, tenant_name: 'nowhere' }
  for (const field of ['email', 'password', 'tenant_name'] as const) {
    const { [field]: _, ...rest } = json
    expectFailure(await api.post('/api/login', rest), 400, `Missing required field: ${field}`)
    for (const wrong of [null, 5, [], {}, '']) {
      expectFailure(await api.post('/api/login', { ...json, [field]: wrong }), 400, `Invalid ${field}`)
    }
  }
  expectFailure(await api.post('/api/login'), 400)
  expectFailure(await api.post('/api/login', { ...json, email: '🦊' }), 401, 'Invalid credentials')
  expectFailure(await api.post('/api/login', { ...json, password: 'x'.repeat(20_000) }), 401, 'Invalid credentials')
})

test('T-39 a deactivated account is told so, and only with the right password', async () => {
  const { name, admin, user } = await api.tenant()
  expect((await api.put(`/api/users/${user.id}`, { is_active: false }, admin.token)).status).toBe(200)
  expectFailure(await login(user.email, password, name), 401, 'Account is inactive')
  expectFailure(await login(user.email, 'Wrong123!', name), 401, 'Invalid credentials')
})

test('T-40 T-58 refreshing gives a new pair, the old token works on for the grace and then ends the session', async () => {
  const { user } = await api.tenant()
  const first = await api.refresh(user.refreshToken)
  expect({ status: first.status, body: first.body }).toEqual({
    status: 200,
    body: { access_token: expect.any(String), refresh_token: expect.any(String) },
  })
  expect(first.body.refresh_token).not.toBe(user.refreshToken)
  expect(await api.statusOf(first.body.access_token)).toBe(200)
  const replay = await api.refresh(user.refreshToken)
  expect(replay.body.refresh_token, 'a race within the grace gets the live token').toBe(first.body.refresh_token)

  await api.rows(
    `UPDATE refresh_tokens SET replaced_at = now() - interval '31 seconds' WHERE session_id = $1 AND replaced_at IS NOT NULL`,
    [user.claims.sid],
  )
  expectTokenRefused(await api.refresh(user.refreshToken), 'reuse')
  expectTokenRefused(await api.refresh(first.body.refresh_token), 'the family')
  expectTokenRefused(await api.get('/api/users/me', first.body.access_token), 'its access token')
  expect(await api.events(user.claims.uid)).toEqual(['account.registered', 'membership.started', 'session.revoked'])
  expect((await api.actions(user.claims.uid)).slice(2)).toEqual(['refresh', 'refresh_token_reused'])
})

test('T-40 without a token, with an access token or with an unknown one, refreshing is 401 with message and msg', async () => {
  const { user } = await api.tenant()
  expectTokenRefused(await api.post('/api/refresh'), 'none')
  for (const token of [user.token, 'unknown', 'x'.repeat(5_000)])
    expectTokenRefused(await api.refresh(token), token.slice(0, 20))
  // Clients of the reference say that a body which is not there is JSON.
  const empty = await api.post<Pair>('/api/refresh', undefined, {
    token: user.refreshToken,
    headers: { 'content-type': 'application/json' },
  })
  expect(empty.status).toBe(200)
  await api.rows(`UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE session_id = $1`, [
    user.claims.sid,
  ])
  expectTokenRefused(await api.refresh(empty.body.refresh_token), 'expired')
})

test('T-41 signing out refuses the access token and the whole session at once; others go on', async () => {
  const { user } = await api.tenant()
  const other = await api.signIn(user)
  const renewed = (await api.refresh(user.refreshToken)).body
  const answer = await api.post('/api/logout', undefined, { token: user.token })
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: { message: 'Logged out successfully' },
  })
  for (const token of [user.token, renewed.access_token]) expectTokenRefused(await api.get('/api/users/me', token))
  for (const token of [user.refreshToken, renewed.refresh_token]) expectTokenRefused(await api.refresh(token))
  expect(await api.statusOf(other.access_token)).toBe(200)
  expectTokenRefused(await api.post('/api/logout', {}, { token: user.token }), 'again')
  expectTokenRefused(await api.post('/api/logout', {}), 'nobody')
})

test("T-41 a refresh token in the body ends its session too, if it is the caller's own", async () => {
  const { user, admin } = await api.tenant()
  const other = await api.signIn(user)
  const logout = (json: unknown, token: string) => api.post('/api/logout', json, { token })
  expect((await logout({ refresh_token: other.refresh_token }, user.token)).status).toBe(200)
  expectTokenRefused(await api.get('/api/users/me', other.access_token))
  const again = await api.signIn(user)
  expect((await logout({ refresh_token: admin.refreshToken }, again.access_token)).status).toBe(200)
  expect(await api.statusOf(admin.token)).toBe(200)
  for (const odd of [5, null, ['x'], 'unknown']) {
    const { access_token } = await api.signIn(user)
    expect((await logout({ refresh_token: odd }, access_token)).status).toBe(200)
  }
})

test('T-03 an account with a second factor is asked for its code: 403 MFA_REQUIRED, then the same path again', async () => {
  const { name, user } = await api.tenant()
  await api.rows('UPDATE accounts SET second_factor = true, email_verified_at = now() WHERE id = $1', [user.claims.uid])
  const asked = await api.post<{ message: string; session_token: string; mfa_code: string }>('/api/login', {
    email: user.email,
    password,
    tenant_name: name,
  })
  expect({ status: asked.status, body: asked.body }).toEqual({
    status: 403,
    body: {
      message: expect.stringMatching(/\S/),
      code: 'MFA_REQUIRED',
      session_token: expect.any(String),
      mfa_code: expect.stringMatching(/^\d{6}$/),
    },
  })
  const { session_token, mfa_code } = asked.body
  const wrong = mfa_code === '123456' ? '654321' : '123456'
  expectFailure(await api.post('/api/login', { session_token, mfa_code: wrong }), 401, 'Invalid credentials')
  const signedIn = await api.post<Pair>('/api/login', { session_token, mfa_code })
  expect(signedIn.status).toBe(200)
  expect(claimsOf(signedIn.body.access_token)).toMatchObject({ amr: ['pwd', 'otp'] })
  expectFailure(await api.post('/api/login', { session_token, mfa_code }), 401, 'Invalid credentials')
})

test('T-37 the token goes in Authorization: Bearer, whatever the case of the word', async () => {
  const { user } = await api.tenant()
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const headers = { authorization: `${scheme} ${user.token}` }
    expect((await call('GET', api.at('/api/users/me'), { headers })).status).toBe(200)
  }
  for (const authorization of [user.token, `Basic ${user.token}`, `Token ${user.token}`, 'Bearer', 'Bearer ']) {
    expectTokenRefused(
      await call('GET', api.at('/api/users/me'), { headers: { authorization } }),
      authorization.slice(0, 12),
    )
  }
})
