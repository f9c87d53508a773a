import { expect, inject, test } from 'vitest'
import { clientsClient, expectFailure, time, unknownId, uuid } from './client.ts'

const clients = clientsClient(inject('arrangement'))

const pathOf = (id: string) => `/api/v1/clients/${id}/verify_email`
const linkOf = ({ id, verificationToken }: { id: string; verificationToken: string }) =>
  `${pathOf(id)}?token=${verificationToken}`
const asBrowser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

const stateOf = async (id: string) => {
  const [row] = await clients.rows('SELECT email_verified, email_verified_at, mfa_enabled FROM clients WHERE id = $1', [
    id,
  ])
  return row
}

const expectVerified = (answer: { status: number; body: unknown }, { id, email }: { id: string; email: string }) => {
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({
    success: true,
    message: expect.stringContaining('verified'),
    client: {
      id: expect.stringMatching(uuid),
      email,
      name: 'Ada Lovelace',
      email_verified: true,
      mfa_enabled: true,
      created_at: expect.stringMatching(time),
      updated_at: expect.stringMatching(time),
    },
  })
  expect(answer.body).toMatchObject({ client: { id } })
}

test('C-04 C-07 C-17 C-18 C-37 POST with the token in the query verifies, turns MFA on and says so once', async () => {
  const person = await clients.register()
  expectVerified(await clients.post(linkOf(person)), person)
  expect(await stateOf(person.id)).toEqual({
    email_verified: true,
    email_verified_at: expect.any(Date),
    mfa_enabled: true,
  })
  const used = await clients.rows('SELECT 1 FROM verification_tokens WHERE account_id = $1 AND used_at IS NOT NULL', [
    person.id,
  ])
  expect(used).toHaveLength(1)

  expectFailure(await clients.post(linkOf(person)), 422, 'VERIFICATION_FAILED', 1)
  expect(await clients.events(person.id)).toEqual([
    expect.objectContaining({ type: 'client.registered' }),
    {
      type: 'client.email_verified',
      data: { client_id: person.id, email: person.email, verified_at: expect.stringMatching(time) },
    },
  ])
})

test('C-07 POST with the token in the body verifies too', async () => {
  const person = await clients.register()
  expectVerified(await clients.post(pathOf(person.id), { token: person.verificationToken }), person)
})

test('C-07 a JSON content type without a body is no fault', async () => {
  const person = await clients.register()
  const headers = { 'content-type': 'application/json' }
  expectVerified(await clients.post(linkOf(person), undefined, { headers }), person)
})

test('C-07 GET verifies a client that asks for JSON; the same link again says "already verified"', async () => {
  const person = await clients.register()
  expectVerified(await clients.get(linkOf(person), { headers: { accept: 'application/json' } }), person)
  const again = await clients.get<{ message: string }>(linkOf(person))
  expectVerified(again, person)
  expect(again.body.message).toContain('already verified')
  expect(await clients.events(person.id)).toHaveLength(2)
})

test('C-07 a browser that follows the link gets a page that consumes nothing, and its button verifies', async () => {
  const person = await clients.register()
  for (const method of ['GET', 'GET', 'HEAD']) {
    await fetch(clients.at(linkOf(person)), { method, headers: asBrowser })
  }
  expect(await stateOf(person.id)).toMatchObject({ email_verified: false })
  expect(await clients.events(person.id)).toHaveLength(1)

  const page = await fetch(clients.at(linkOf(person)), {
    headers: { ...asBrowser, 'accept-language': 'fr-CA, en;q=0.5' },
  })
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page.headers.get('referrer-policy')).toBe('same-origin')
  expect(page.headers.get('cache-control')).toBe('no-store')
  const html = await page.text()
  expect(html).toContain('<html lang="fr">')
  expect(html).toContain('method="post"')
  expect(html).toContain(person.verificationToken)
  const action = /action="([^"]+)"/.exec(html)?.[1] ?? ''

  const press = () =>
    fetch(clients.at(action), { method: 'POST', body: new URLSearchParams({ token: person.verificationToken }) })
  const pressed = await press()
  expect(pressed.status).toBe(200)
  expect(await pressed.text()).toContain('Your address is confirmed')
  expect(await stateOf(person.id)).toMatchObject({ email_verified: true, mfa_enabled: true })
  expect(await (await press()).text()).toContain('confirmed already')
  expect((await clients.events(person.id)).map(({ type }) => type)).toEqual([
    'client.registered',
    'client.email_verified',
  ])
})

test('C-07 what a link says in a page is escaped', async () => {
  const person = await clients.register()
  const evil = encodeURIComponent('"><script>alert(1)</script>')
  const page = await fetch(clients.at(`${pathOf(person.id)}?token=${evil}`), { headers: asBrowser })
  expect(await page.text()).not.toContain('<script>')
})

test('C-07 an unknown client, an unknown, foreign, changed or expired token is 422 VERIFICATION_FAILED', async () => {
  const person = await clients.register()
  const other = await clients.register()
  const token = person.verificationToken
  const changed = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
  const cases: [string, unknown][] = [
    [pathOf(person.id), undefined],
    [pathOf(person.id), {}],
    [pathOf(person.id), { token: 7 }],
    [pathOf(person.id), [token]],
    [pathOf(person.id), { token: '' }],
    [pathOf(person.id), { token: changed }],
    [pathOf(person.id), { token: 'x'.repeat(10_000) }],
    [`${pathOf(person.id)}?token=${token}&token=${token}`, undefined],
    [pathOf(other.id), { token }],
    [pathOf(unknownId), { token }],
    [pathOf('me'), { token }],
  ]
  for (const [path, body] of cases) {
    expectFailure(
      await clients.post(path, body),
      422,
      'VERIFICATION_FAILED',
      1,
      `${path} ${JSON.stringify(body)}`.slice(0, 200),
    )
  }
  expectFailure(await clients.get(`${pathOf(person.id)}?token=${changed}`), 422, 'VERIFICATION_FAILED', 1)

  await clients.rows(`UPDATE verification_tokens SET expires_at = now() - interval '1 second' WHERE account_id = $1`, [
    person.id,
  ])
  for (const method of [clients.get, clients.post]) {
    expectFailure(await method(linkOf(person)), 422, 'VERIFICATION_FAILED', 1)
  }
  expect(await stateOf(person.id)).toMatchObject({ email_verified: false, mfa_enabled: false })
  expect(await clients.events(person.id)).toHaveLength(1)
})

test('C-07 of racing verifications one succeeds', async () => {
  const person = await clients.register()
  const answers = await Promise.all(Array.from({ length: 5 }, () => clients.post(linkOf(person))))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422, 422])
  expect(await clients.events(person.id)).toHaveLength(2)
})

const resend = (id: string) => clients.post(`/api/v1/clients/${id}/resend_verification`)

test('C-08 C-18 resends twice within the hour, with a fresh token and no event; the third is 422 RESEND_FAILED', async () => {
  const person = await clients.register()
  for (let count = 0; count < 2; count += 1) {
    const answer = await resend(person.id)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })
  }
  expectFailure(await resend(person.id), 422, 'RESEND_FAILED', [/too many/i])
  const [counts] = await clients.rows(
    `SELECT (SELECT count(*)::int FROM verification_tokens WHERE account_id = $1) AS tokens,
            (SELECT count(*)::int FROM mail_jobs WHERE account_id = $1 AND kind = 'verify_email') AS mails`,
    [person.id],
  )
  expect(counts).toEqual({ tokens: 3, mails: 3 })
  expect(await clients.events(person.id)).toHaveLength(1)

  // An hour later there is one more.
  await clients.rows(
    `UPDATE verification_tokens SET created_at = created_at - interval '61 minutes' WHERE account_id = $1`,
    [person.id],
  )
  expect((await resend(person.id)).status).toBe(200)
  // The first link still works: only a verification ends the others.
  expectVerified(await clients.post(linkOf(person)), person)
})

test('C-08 racing resends do not count past the limit', async () => {
  const person = await clients.register()
  const answers = await Promise.all(Array.from({ length: 6 }, () => resend(person.id)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(2)
})

test('C-08 a verified, unknown or malformed client is 422 RESEND_FAILED', async () => {
  const person = await clients.verified()
  expectFailure(await resend(person.id), 422, 'RESEND_FAILED', [/already verified/i])
  for (const id of [unknownId, 'nobody', 'me', '7']) {
    expectFailure(await resend(id), 422, 'RESEND_FAILED', [/no such client/i], id)
  }
})
