import { beforeAll, expect, inject, test } from 'vitest'
import { uniqueName } from '../../support/unique-name.ts'
import { expectFailure, expectTokenRefused, type Message, type Person, password, tenantsClient } from './client.ts'

const api = tenantsClient(inject('arrangement'))
beforeAll(api.ensureVendor)

const verify = (token: unknown) => api.post('/api/verify-email', { token })
const request = (json: unknown) => api.post<Message & { reset_token?: string }>('/api/reset-password', json)
const reset = (token: string, json: unknown) => api.post(`/api/reset-password/${token}`, json)
const resetTokenOf = async ({ email, tenant }: Person) => {
  const { body } = await request({ email, tenant_name: tenant })
  expect(body.reset_token).toMatch(/^[\w-]{64}$/)
  return body.reset_token!
}
const mailsOf = ({ claims }: Person) =>
  api.rows<{ kind: string }>('SELECT kind FROM mail_jobs WHERE account_id = $1 ORDER BY created_at', [claims.uid])

test('T-08 T-42 registering mails a link; its token verifies the address once', async () => {
  const person = await api.join(uniqueName('tenant'))
  expect(await mailsOf(person)).toEqual([{ kind: 'verify_email' }])
  expect((await api.get('/api/users/me', person.token)).body).toMatchObject({ is_email_verified: false })
  const answer = await verify(person.verificationToken)
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: { message: 'Email verified successfully' },
  })
  expect((await api.get('/api/users/me', person.token)).body).toMatchObject({ is_email_verified: true })
  expectFailure(await verify(person.verificationToken), 400, 'Invalid or expired token')
  expect(await api.actions(person.claims.uid)).toEqual(['register', 'login', 'verify_email'])
})

test('T-42 unknown, foreign and expired tokens are 400, and so is none', async () => {
  const person = await api.join(uniqueName('tenant'))
  expectFailure(await api.post('/api/verify-email', {}), 400, 'Missing required field: token')
  for (const wrong of [5, null, '', {}]) expectFailure(await verify(wrong), 400, 'Invalid token')
  const resetToken = await resetTokenOf(person)
  const flipped = `${person.verificationToken.slice(0, -2)}${person.verificationToken.endsWith('AA') ? 'BB' : 'AA'}`
  for (const token of ['unknown', 'x'.repeat(64), flipped, resetToken]) {
    expectFailure(await verify(token), 400, 'Invalid or expired token')
  }
  const [link] = await api.rows<{ hours: number }>(
    `SELECT round(extract(epoch FROM expires_at - created_at) / 3600)::int AS hours FROM verification_tokens
      WHERE account_id = $1 AND token_type = 'email_verification'`,
    [person.claims.uid],
  )
  expect(link).toEqual({ hours: 24 })
  await api.rows(`UPDATE verification_tokens SET expires_at = now() WHERE account_id = $1`, [person.claims.uid])
  expectFailure(await verify(person.verificationToken), 400, 'Invalid or expired token')
})

test('T-08 the mailed link opens a page whose button verifies; opening it does nothing', async () => {
  const person = await api.join(uniqueName('tenant'))
  const page = await fetch(api.at(`/account/tenants/verify-email?token=${person.verificationToken}`))
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const html = await page.text()
  expect(html).toContain('Tenants')
  expect(html).toContain(person.verificationToken)
  expect((await api.get('/api/users/me', person.token)).body).toMatchObject({ is_email_verified: false })
  const pressed = await fetch(api.at('/account/tenants/verify-email'), {
    method: 'POST',
    body: new URLSearchParams({ token: person.verificationToken }),
  })
  expect(pressed.status).toBe(200)
  expect((await api.get('/api/users/me', person.token)).body).toMatchObject({ is_email_verified: true })
})

test('T-09 T-43 a reset is asked for alike whether the account exists or not', async () => {
  const person = await api.join(uniqueName('tenant'))
  const known = await request({ email: person.email, tenant_name: person.tenant })
  const { reset_token, ...said } = known.body
  expect({ status: known.status, said, reset_token }).toEqual({
    status: 200,
    said: { message: expect.stringMatching(/\S/) },
    reset_token: expect.stringMatching(/^[\w-]{64}$/),
  })
  for (const json of [
    { email: `${uniqueName('nobody')}@example.org`, tenant_name: person.tenant },
    { email: person.email, tenant_name: uniqueName('nowhere') },
    { email: 'no address' },
  ]) {
    const unknown = await request(json)
    expect({ status: unknown.status, body: unknown.body }).toEqual({ status: 200, body: said })
  }
  expectFailure(await request({ tenant_name: person.tenant }), 400, 'Missing required field: email')
  expectFailure(await request({ email: 5 }), 400, 'Invalid email')
  expect((await mailsOf(person)).map(({ kind }) => kind)).toEqual(['verify_email', 'reset_password'])
})

test('T-43 without a tenant every account of the address gets a mail, with one only that', async () => {
  const email = `${uniqueName('person')}@example.org`
  const people = [await api.join(uniqueName('tenant'), email), await api.join(uniqueName('tenant'), email)] as const
  const resets = async () =>
    Promise.all(people.map(async (one) => (await mailsOf(one)).filter(({ kind }) => kind === 'reset_password').length))
  expect((await request({ email: email.toUpperCase() })).status).toBe(200)
  expect(await resets()).toEqual([1, 1])
  expect((await request({ email, tenant_name: people[1].tenant })).status).toBe(200)
  expect(await resets()).toEqual([1, 2])
})

test('T-09 T-44 the token sets the password once; every session ends', async () => {
  const person = await api.join(uniqueName('tenant'))
  const token = await resetTokenOf(person)
  const answer = await reset(token, { password: 'Other456?' })
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: { message: 'Password reset successfully' },
  })
  expectTokenRefused(await api.get('/api/users/me', person.token))
  expectTokenRefused(await api.refresh(person.refreshToken))
  const { email, tenant: tenant_name } = person
  expectFailure(await api.post('/api/login', { email, password, tenant_name }), 401, 'Invalid credentials')
  const { access_token } = await api.signIn({ ...person, password: 'Other456?' })
  expect((await api.get('/api/users/me', access_token)).body, 'whoever got the mail has the address').toMatchObject({
    is_email_verified: true,
  })
  expectFailure(await reset(token, { password: 'Third789$' }), 400, 'Invalid or expired token')
  const actions = (await api.actions(person.claims.uid)).slice(2)
  expect(actions).toEqual(['reset_password_request', 'reset_password', 'login_failed', 'login'])
})

test('T-44 new_password is as good as password; a weak one is refused in words and leaves the token good', async () => {
  const person = await api.join(uniqueName('tenant'))
  const token = await resetTokenOf(person)
  expectFailure(await reset(token, {}), 400, 'Missing required field: password')
  expectFailure(await reset(token, { password: 5 }), 400, 'Invalid password')
  expectFailure(await reset(token, { password: 'weak' }), 400, /at least 8.*upper-case/)
  expectFailure(await reset(token, { new_password: 'User1234' }), 400, /special/)
  expect((await reset(token, { new_password: 'Other456?' })).status).toBe(200)
  await api.signIn({ ...person, password: 'Other456?' })
})

test('T-44 unknown, foreign and expired tokens are 400; a reset link is good for an hour', async () => {
  const person = await api.join(uniqueName('tenant'))
  const token = await resetTokenOf(person)
  const json = { password: 'Other456?' }
  for (const wrong of ['unknown', 'x'.repeat(64), 'x'.repeat(400), person.verificationToken]) {
    expectFailure(await reset(wrong, json), 400, 'Invalid or expired token', wrong.slice(0, 10))
  }
  const [link] = await api.rows<{ minutes: number }>(
    `SELECT round(extract(epoch FROM expires_at - created_at) / 60)::int AS minutes FROM verification_tokens
      WHERE account_id = $1 AND token_type = 'password_reset'`,
    [person.claims.uid],
  )
  expect(link).toEqual({ minutes: 60 })
  await api.rows('UPDATE verification_tokens SET expires_at = now() WHERE account_id = $1', [person.claims.uid])
  expectFailure(await reset(token, json), 400, 'Invalid or expired token')
  expect(await api.statusOf(person.token)).toBe(200)
})
