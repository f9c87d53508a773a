import { expect, inject, test } from 'vitest'
import { clientsClient, type Registered } from './client.ts'

const clients = clientsClient(inject('arrangement'))

const follow = (person: Registered, method: string, headers: Record<string, string>) =>
  fetch(clients.at(`/api/v1/clients/${person.id}/verify_email?token=${person.verificationToken}`), { method, headers })
const isVerified = async ({ id }: Registered) => {
  const [row] = await clients.rows<{ verified: boolean }>(
    `SELECT email_verified AS verified FROM clients WHERE id = $1 AND NOT EXISTS (
       SELECT 1 FROM verification_tokens WHERE account_id = $1 AND used_at IS NOT NULL AND NOT email_verified)`,
    [id],
  )
  return row?.verified
}
const browser = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36'

test('C-07 a mail scanner that calls itself a browser and takes anything uses nothing up', async () => {
  const person = await clients.register()
  for (const headers of [{ 'user-agent': browser, accept: '*/*' }, { 'user-agent': browser }]) {
    const answer = await follow(person, 'GET', headers)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await answer.text()).toContain(person.verificationToken)
  }
  for (const headers of [{ accept: '*/*' }, { accept: 'application/json' }]) {
    expect((await follow(person, 'HEAD', headers)).status).toBe(200)
  }
  expect(await isVerified(person)).toBe(false)
  await clients.verify(person)
  expect(await isVerified(person)).toBe(true)
})

test('C-07 a script in a browser that asks for JSON verifies, and so does a client that is none', async () => {
  for (const headers of [
    { 'user-agent': browser, accept: 'application/json' },
    { 'user-agent': browser, accept: 'application/json, text/plain, */*' },
    { 'user-agent': 'curl/8.9.1', accept: '*/*' },
  ]) {
    const person = await clients.register()
    const answer = await follow(person, 'GET', headers)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ success: true, client: { id: person.id, email_verified: true } })
    expect(await isVerified(person)).toBe(true)
  }
})

test('C-05 C-09 C-10 C-13 nothing that concerns one person is kept by a cache', async () => {
  const person = await clients.verified()
  const { email, password } = person
  const begun = await clients.post<{ session_token: string; mfa_code: string }>('/api/v1/auth/login', {
    email,
    password,
  })
  const { session_token, mfa_code } = begun.body
  const verified = await clients.post<{ token: string; refresh_token: string }>('/api/v1/auth/verify_mfa', {
    session_token,
    mfa_code,
  })
  const { token, refresh_token } = verified.body
  const answers = [
    begun,
    verified,
    await clients.post('/api/v1/auth/refresh_token', { refresh_token }),
    await clients.get('/api/v1/me', { token }),
  ]
  for (const { status, headers, text } of answers) {
    expect({ status, cache: headers.get('cache-control') }, text).toEqual({ status: 200, cache: 'no-store' })
  }
})
