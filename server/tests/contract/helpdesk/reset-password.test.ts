import { expect, inject, test } from 'vitest'
import { expectFailure, expectInvalid, expectTokens, goodPassword, helpdeskClient, uniqueEmail } from './client.ts'

const helpdesk = helpdeskClient(inject('arrangement'))
const newPassword = 'Another-horse8'

const forgot = (email: unknown) =>
  helpdesk.post<{ message: string; resetToken?: string }>('/api/auth/forgot-password', { json: { email } })
const reset = (json: unknown) => helpdesk.post('/api/auth/reset-password', { json })

/** The token of a mailed link, which development shows. */
async function tokenFor(email: string): Promise<string> {
  const { body } = await forgot(email)
  expect(body.resetToken).toMatch(/^[\w-]{64}$/)
  return body.resetToken!
}

test('a forgotten password is answered alike whether or not there is an account', async () => {
  const { email, id } = await helpdesk.register()
  const [known, unknown] = [await forgot(` ${email.toUpperCase()}`), await forgot(uniqueEmail())]
  expect([known.status, unknown.status]).toEqual([200, 200])
  expect(unknown.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })
  expect(known.body).toEqual({ ...unknown.body, resetToken: expect.stringMatching(/^[\w-]{64}$/) })
  expect((await helpdesk.recorded(id)).at(-1)).toBe('user.password_reset_requested')
})

test('a link is good for 15 minutes, and no table holds its token', async () => {
  const { email, id } = await helpdesk.register()
  const token = await tokenFor(email)
  const [row] = await helpdesk.rows<{ row: string; seconds: number }>(
    `SELECT row_to_json(t)::text AS row, round(extract(epoch FROM expires_at - created_at))::int AS seconds
       FROM verification_tokens t WHERE account_id = $1`,
    [id],
  )
  expect(row).toEqual({ row: expect.not.stringContaining(token), seconds: 15 * 60 })
  const events = await helpdesk.rows<{ data: unknown }>('SELECT data FROM outbox_events WHERE aggregate_id = $1', [id])
  expect(JSON.stringify(events)).not.toContain(token)
})

test('H-52 a reset sets the password, works once, and ends every session', async () => {
  const { email, password, token: access, refreshToken, id } = await helpdesk.register()
  const token = await tokenFor(email)
  const answer = await reset({ token, password: newPassword, confirmPassword: newPassword })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })

  expectFailure(await helpdesk.get('/api/auth/me', { token: access }), 401, 'INVALID_TOKEN')
  const refreshed = await helpdesk.post('/api/auth/refresh', { json: { refreshToken } })
  expectFailure(refreshed, 401, 'INVALID_REFRESH_TOKEN')
  expectFailure(await helpdesk.login(email, password), 401, 'INVALID_CREDENTIALS')
  expectTokens(await helpdesk.login(email, newPassword), 200, email)
  expectFailure(await reset({ token, password: 'Third-horse9' }), 400, 'INVALID_RESET_TOKEN')
  expect(await helpdesk.recorded(id)).toContain('user.password_reset_completed')
})

test('the new password may be called newPassword', async () => {
  const { email } = await helpdesk.register()
  const answer = await reset({ token: await tokenFor(email), newPassword, confirmPassword: newPassword })
  expect(answer.status).toBe(200)
  expectTokens(await helpdesk.login(email, newPassword), 200, email)
})

test('an expired, unknown or foreign token is 400', async () => {
  const { email, id, token: access, refreshToken } = await helpdesk.register()
  const token = await tokenFor(email)
  await helpdesk.rows("UPDATE verification_tokens SET expires_at = now() - interval '1 second' WHERE account_id = $1", [
    id,
  ])
  for (const bad of [token, 'x', 'x'.repeat(64), access, refreshToken]) {
    expectFailure(await reset({ token: bad, password: newPassword }), 400, 'INVALID_RESET_TOKEN')
  }
  expectTokens(await helpdesk.login(email, goodPassword), 200, email)
})

test('H-53 weak, different or missing passwords are 400, and do not use up the token', async () => {
  const { email } = await helpdesk.register()
  const token = await tokenFor(email)
  expectInvalid(await reset({ token, password: 'abc' }), 'password', 'password')
  expectInvalid(await reset({ token, password: 'Password1' }), 'password')
  expectInvalid(await reset({ token, password: `Aa1${'x'.repeat(126)}` }), 'password')
  expectInvalid(await reset({ token, newPassword: 5 }), 'newPassword')
  expectInvalid(await reset({ token, password: newPassword, confirmPassword: goodPassword }), 'confirmPassword')
  expectInvalid(await reset({ token }), 'password')
  expectInvalid(await reset({ password: newPassword }), 'token')
  expectInvalid(await reset({ token: null, password: newPassword }), 'token')
  expect((await reset({ token, password: newPassword })).status).toBe(200)
})

test('H-53 forgot-password wants an address', async () => {
  for (const email of [undefined, '', 5, 'nobody', null]) expectInvalid(await forgot(email), 'email')
})

test('the mailed link opens a page, whose button sets the password', async () => {
  const { email } = await helpdesk.register()
  const token = await tokenFor(email)
  const path = '/account/helpdesk/reset-password'
  const page = await fetch(helpdesk.at(`${path}?token=${token}`), { headers: { accept: 'text/html' } })
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  expect(await page.text()).toContain('<html lang="fr"')

  const form = new URLSearchParams({ token, password: newPassword, confirmation: newPassword })
  const done = await fetch(helpdesk.at(path), { method: 'POST', body: form })
  expect(done.status).toBe(200)
  expectTokens(await helpdesk.login(email, newPassword), 200, email)
})
