import { expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { anotherCode, clientsClient, expectFailure, time, uniqueEmail, uuid } from './client.ts'

const clients = clientsClient(inject('arrangement'))

const login = (json: unknown) => clients.post('/api/v1/auth/login', json)
const verifyMfa = (json: unknown, headers = {}) => clients.post('/api/v1/auth/verify_mfa', json, { headers })
const wrong = { password: 'not the password' }
const typesOf = async (id: string) => (await clients.events(id)).map(({ type }) => type)
const failuresOf = async (id: string) => {
  const [row] = await clients.rows<{ failures: number }>(
    "SELECT failures FROM sign_in_counters WHERE account_id = $1 AND contract = 'clients'",
    [id],
  )
  return row?.failures
}

test('C-05 C-10 C-19 a right password mails a code and answers with the session that waits for it', async () => {
  const { id, email, password } = await clients.verified()
  const answer = await login({ email: ` ${email.toUpperCase()}`, password })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({
    success: true,
    message: expect.stringMatching(/\S/),
    mfa_required: true,
    session_token: expect.stringMatching(/^[\w-]{43,}$/),
    // Development says what was mailed.
    mfa_code: expect.stringMatching(/^[1-9]\d{5}$/),
  })
  const { session_token, mfa_code } = answer.body as Record<string, string>
  const [row] = await clients.rows<{ stored: string; minutes: string }>(
    `SELECT m::text AS stored, extract(epoch FROM expires_at - created_at) / 60 AS minutes FROM mfa_codes m
      WHERE account_id = $1`,
    [id],
  )
  expect(Number(row?.minutes)).toBeCloseTo(5, 1)
  expect(row?.stored).not.toContain(session_token)
  expect(row?.stored).not.toMatch(new RegExp(`\\b${mfa_code}\\b`))
  const mails = await clients.rows(`SELECT 1 FROM mail_jobs WHERE account_id = $1 AND kind = 'mfa_code'`, [id])
  expect(mails).toHaveLength(1)
  expect(await typesOf(id)).toEqual(['client.registered', 'client.email_verified'])
})

test('C-05 C-11 C-20 C-32 C-38 the code opens a session: token of 24 hours, refresh token, client, one event', async () => {
  const person = await clients.verified()
  const { session_token, mfa_code } = await clients.login(person)
  const before = Date.now()
  const answer = await verifyMfa({ session_token, mfa_code }, { 'user-agent': 'a test of C-11' })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({
    success: true,
    message: expect.stringMatching(/\S/),
    token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    expires_at: expect.stringMatching(time),
    refresh_token: expect.stringMatching(/^[\w-]{86}$/),
    client: {
      id: person.id,
      email: person.email,
      name: 'Ada Lovelace',
      email_verified: true,
      mfa_enabled: true,
      created_at: expect.stringMatching(time),
      updated_at: expect.stringMatching(time),
    },
  })
  const { token, expires_at, refresh_token } = answer.body as Record<string, string>
  const claims = claimsOf(token!)
  expect(claims).toMatchObject({
    sub: person.id,
    client_id: person.id,
    uid: person.id,
    email: person.email,
    typ: 'access',
    aud: 'clients',
    amr: ['pwd', 'otp'],
    sid: expect.stringMatching(uuid),
    jti: expect.stringMatching(uuid),
  })
  expect(claims.exp).toBe(claims.iat + 24 * 3600)
  // Without a secret of the contract: signed with a key of identity's own.
  const header = JSON.parse(Buffer.from(token!.split('.')[0]!, 'base64url').toString()) as unknown
  expect(header).toMatchObject({ alg: 'ES256', kid: expect.stringMatching(/\S/) })
  expect(Math.abs(Date.parse(expires_at!) - claims.exp * 1000)).toBeLessThanOrEqual(1000)
  expect(claims.iat).toBeGreaterThanOrEqual(Math.floor(before / 1000))

  const [session] = await clients.rows<{ stored: string }>(
    'SELECT s::text AS stored, contract, host(ip) AS ip, user_agent, ended_at FROM sessions s WHERE id = $1',
    [claims.sid],
  )
  expect(session).toMatchObject({ contract: 'clients', ip: '127.0.0.1', user_agent: 'a test of C-11', ended_at: null })
  expect(session?.stored).not.toContain(refresh_token)
  expect(await clients.events(person.id)).toEqual([
    expect.objectContaining({ type: 'client.registered' }),
    expect.objectContaining({ type: 'client.email_verified' }),
    { type: 'client.logged_in', data: { client_id: person.id, logged_in_at: expect.stringMatching(time) } },
  ])
  expectFailure(await verifyMfa({ session_token, mfa_code }), 401, 'MFA_FAILED', 1, 'a code works once')
})

test('C-11 the code may be called `code`', async () => {
  const { session_token, mfa_code } = await clients.login(await clients.verified())
  expect((await verifyMfa({ session_token, code: mfa_code })).status).toBe(200)
})

test('C-11 answers carry a cookie that makes the device known', async () => {
  const { session_token, mfa_code } = await clients.login(await clients.verified())
  const cookie = (await verifyMfa({ session_token, mfa_code })).headers.get('set-cookie')
  expect(cookie).toMatch(/^guichet_device=[\w.-]+;.*HttpOnly/)
})

test('C-10 a wrong password and an unknown address get the same answer byte for byte; no event', async () => {
  const person = await clients.verified()
  const known = await login({ email: person.email, ...wrong })
  const unknown = await login({ email: uniqueEmail(), ...wrong })
  expectFailure(known, 401, 'AUTH_FAILED', 1)
  expect(unknown.status).toBe(known.status)
  expect(unknown.text).toBe(known.text)
  expect([...unknown.headers.keys()]).toEqual([...known.headers.keys()])
  expect(await typesOf(person.id)).toEqual(['client.registered', 'client.email_verified'])
})

test('C-10 missing, empty and wrongly typed credentials are 400 PARAMETER_MISSING', async () => {
  const bodies: unknown[] = [
    {},
    { email: 'a@example.org' },
    { password: 'a password' },
    { email: '', password: 'a password' },
    { email: 'a@example.org', password: '' },
    { email: 1, password: 'a password' },
    { email: 'a@example.org', password: ['a'] },
    { email: 'a\u0000@example.org', password: 'a password' },
    { client: { email: 'a@example.org', password: 'a password' } },
    [],
    null,
  ]
  for (const body of bodies) expectFailure(await login(body), 400, 'PARAMETER_MISSING', 0, JSON.stringify(body))
  expectFailure(await login(undefined), 400, 'PARAMETER_MISSING', 0, 'no body')
})

test('C-10 an unverified account cannot sign in, which is said after the right password only', async () => {
  const person = await clients.register()
  expectFailure(await login(person), 401, 'AUTH_FAILED', [/not verified/i])
  expectFailure(await login({ ...person, ...wrong }), 401, 'AUTH_FAILED', [/invalid email or password/i])
  await clients.verify(person)
  expect((await login(person)).status).toBe(200)
})

test('C-10 a deactivated account cannot sign in, which is said after the right password only', async () => {
  const person = await clients.verified()
  await clients.rows("UPDATE memberships SET state = 'inactive' WHERE account_id = $1", [person.id])
  expectFailure(await login(person), 401, 'AUTH_FAILED', [/deactivated/i])
  expectFailure(await login({ ...person, ...wrong }), 401, 'AUTH_FAILED', [/invalid email or password/i])
})

test('C-10 five wrong passwords lock the account for 30 minutes, and the right one then answers like a wrong one', async () => {
  const person = await clients.verified()
  const answers = []
  for (let tries = 0; tries < 5; tries += 1) answers.push(await login({ ...person, ...wrong }))
  const locked = await login(person)
  for (const answer of [...answers, locked]) {
    expectFailure(answer, 401, 'AUTH_FAILED', [/invalid email or password/i])
    expect(answer.text).toBe(locked.text)
  }
  const [counter] = await clients.rows<{ minutes: string }>(
    "SELECT extract(epoch FROM locked_until - now()) / 60 AS minutes FROM sign_in_counters WHERE account_id = $1 AND contract = 'clients'",
    [person.id],
  )
  expect(Number(counter?.minutes)).toBeCloseTo(30, 0)
  const told = await clients.rows(`SELECT 1 FROM mail_jobs WHERE account_id = $1 AND kind = 'account_locked'`, [
    person.id,
  ])
  expect(told).toHaveLength(1)

  await clients.rows(
    `UPDATE sign_in_counters SET locked_until = now() - interval '1 second', expires_at = now() - interval '1 second'
      WHERE account_id = $1 AND contract = 'clients'`,
    [person.id],
  )
  expect((await login(person)).status, 'after 30 minutes').toBe(200)
})

test('C-10 a sign-in forgets the failures before it', async () => {
  const person = await clients.verified()
  for (let tries = 0; tries < 4; tries += 1) await login({ ...person, ...wrong })
  await clients.signIn(person)
  expect(await failuresOf(person.id)).toBeUndefined()
  for (let tries = 0; tries < 4; tries += 1) await login({ ...person, ...wrong })
  expect((await login(person)).status).toBe(200)
})

test('C-10 C-11 a new login ends the code of the one before', async () => {
  const person = await clients.verified()
  const first = await clients.login(person)
  const second = await clients.login(person)
  const codeOf = ({ session_token, mfa_code }: typeof first) => ({ session_token, mfa_code })
  expectFailure(await verifyMfa(codeOf(first)), 401, 'MFA_FAILED', 1)
  expect((await verifyMfa(codeOf(second))).status).toBe(200)
})

test('C-11 a code is good for its own session only, for five minutes', async () => {
  const [one, other] = [await clients.verified(), await clients.verified()]
  const first = await clients.login(one)
  const second = await clients.login(other)
  const crossed = await verifyMfa({ session_token: first.session_token, mfa_code: anotherCode(first.mfa_code) })
  expectFailure(crossed, 401, 'MFA_FAILED', 1)
  await clients.rows(`UPDATE mfa_codes SET expires_at = now() - interval '1 second' WHERE account_id = $1`, [other.id])
  const late = await verifyMfa({ session_token: second.session_token, mfa_code: second.mfa_code })
  expectFailure(late, 401, 'MFA_FAILED', 1)
  const unknown = await verifyMfa({ session_token: 'x'.repeat(43), mfa_code: first.mfa_code })
  expectFailure(unknown, 401, 'MFA_FAILED', 1)
  expect(await typesOf(one.id)).not.toContain('client.logged_in')
})

test('C-11 five wrong codes end the pending session and count as one failed login', async () => {
  const person = await clients.verified()
  const { session_token, mfa_code } = await clients.login(person)
  for (let tries = 0; tries < 5; tries += 1) {
    expectFailure(await verifyMfa({ session_token, mfa_code: anotherCode(mfa_code) }), 401, 'MFA_FAILED', 1)
  }
  expectFailure(await verifyMfa({ session_token, mfa_code }), 401, 'MFA_FAILED', 1, 'the right code comes too late')
  expect(await failuresOf(person.id)).toBe(1)
  expect((await login(person)).status, 'a new login works').toBe(200)
})

test('C-11 of racing uses of one code one wins', async () => {
  const person = await clients.verified()
  const { session_token, mfa_code } = await clients.login(person)
  const answers = await Promise.all(Array.from({ length: 4 }, () => verifyMfa({ session_token, mfa_code })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401])
  expect((await typesOf(person.id)).filter((type) => type === 'client.logged_in')).toHaveLength(1)
})

test('C-11 a code that was asked for before the account was deactivated opens nothing', async () => {
  const person = await clients.verified()
  const { session_token, mfa_code } = await clients.login(person)
  await clients.rows("UPDATE memberships SET state = 'inactive', version = version + 1 WHERE account_id = $1", [
    person.id,
  ])
  expectFailure(await verifyMfa({ session_token, mfa_code }), 401, 'MFA_FAILED', 1)
})

test('C-11 missing and wrongly typed fields are 400 PARAMETER_MISSING', async () => {
  const session_token = 'x'.repeat(43)
  const bodies: unknown[] = [
    {},
    { session_token },
    { mfa_code: '123456' },
    { email: 'a@example.org', code: '123456' },
    { session_token, mfa_code: '' },
    { session_token, mfa_code: 123456 },
    { session_token: 1, mfa_code: '123456' },
    null,
  ]
  for (const body of bodies) expectFailure(await verifyMfa(body), 400, 'PARAMETER_MISSING', 0, JSON.stringify(body))
})
