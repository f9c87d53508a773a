import { expect, inject, test } from 'vitest'
import { type ClientObject, clientsClient, expectFailure, time, uniqueEmail, uuid } from './client.ts'

const clients = clientsClient(inject('arrangement'))

const register = (json: unknown) => clients.post('/api/v1/clients', json)
const accountsOf = (email: string) =>
  clients.rows<{ id: string }>('SELECT id FROM clients WHERE lower(email) = lower($1)', [email])

const invalidEmail = /email is invalid/i
const invalidName = /name must have 2 to 100/i
const shortPassword = /password is too short/i
const longPassword = /password is too long/i
const mismatch = /confirmation doesn't match/i
const taken = /already been taken/i

test('C-01 C-04 C-06 C-17 C-21 C-36 registers: 201 with the client, a row without a readable password, one event', async () => {
  const email = uniqueEmail()
  const password = 'correct horse'
  const answer = await register({
    client: { email: ` ${email.toUpperCase()} `, name: ' Ada Lovelace ', password, password_confirmation: password },
  })
  expect(answer.status).toBe(201)
  expect(answer.body).toEqual({
    success: true,
    message: expect.stringMatching(/\S/),
    client: {
      id: expect.stringMatching(uuid),
      email,
      name: 'Ada Lovelace',
      email_verified: false,
      mfa_enabled: false,
      created_at: expect.stringMatching(time),
      updated_at: expect.stringMatching(time),
    },
    client_id: expect.stringMatching(uuid),
    // Development says what was mailed.
    verification_token: expect.stringMatching(/^[\w-]{43,}$/),
  })
  const { client, client_id } = answer.body as { client: ClientObject; client_id: string }
  expect(client_id).toBe(client.id)

  const [row] = await clients.rows('SELECT * FROM clients WHERE id = $1', [client_id])
  expect(row).toMatchObject({ email, name: 'Ada Lovelace', email_verified: false, mfa_enabled: false })
  expect(row?.password_digest).toMatch(/^\$argon2id\$/)
  expect(await clients.events(client_id)).toEqual([
    {
      type: 'client.registered',
      data: { client_id, email, name: 'Ada Lovelace', registered_at: expect.stringMatching(time) },
    },
  ])
})

test('C-06 C-18 the token that is mailed stands in no table, and is good for 24 hours', async () => {
  const { id, verificationToken } = await clients.register()
  const [row] = await clients.rows<{ stored: string; hours: string }>(
    `SELECT v::text AS stored, extract(epoch FROM expires_at - created_at) / 3600 AS hours
       FROM verification_tokens v WHERE account_id = $1`,
    [id],
  )
  expect(Number(row?.hours)).toBeCloseTo(24, 1)
  expect(row?.stored).not.toContain(verificationToken)
  const [mail] = await clients.rows<{ stored: string }>(
    'SELECT j::text AS stored FROM mail_jobs j WHERE account_id = $1',
    [id],
  )
  expect(mail?.stored).toContain('verify_email')
  expect(mail?.stored).not.toContain(verificationToken)
})

test('C-06 the fields may come unwrapped, with first_name and last_name for the name; unknown ones are ignored', async () => {
  const email = uniqueEmail()
  const answer = await register({
    email,
    first_name: 'Grace',
    last_name: 'Hopper',
    password: 'a long password',
    phone_number: '+33 1 23 45 67 89',
    role: 'admin',
    email_verified: true,
  })
  expect(answer.status, answer.text).toBe(201)
  expect(answer.body.client).toMatchObject({ email, name: 'Grace Hopper', email_verified: false, mfa_enabled: false })
  const [grant] = await clients.rows('SELECT 1 FROM memberships WHERE account_id = $1 AND role IS NOT NULL', [
    answer.body.client_id,
  ])
  expect(grant).toBeUndefined()

  const wrapped = {
    client: { email: uniqueEmail(), first_name: 'Grace', last_name: 'Hopper', password: 'a long password' },
  }
  expect((await register(wrapped)).body.client).toMatchObject({ name: 'Grace Hopper' })
})

test('C-06 neither form is 400 PARAMETER_MISSING', async () => {
  const bodies: unknown[] = [
    {},
    { user: { email: 'a@example.org' } },
    { client: {} },
    { client: null },
    { client: 'ada' },
    { client: ['ada'] },
    [],
    'ada',
    7,
    null,
  ]
  for (const body of bodies) expectFailure(await register(body), 400, 'PARAMETER_MISSING', 0, JSON.stringify(body))
  expectFailure(await clients.post('/api/v1/clients'), 400, 'PARAMETER_MISSING', 0, 'no body')
})

test('C-06 422 REGISTRATION_FAILED lists everything that is wrong, and makes nothing', async () => {
  const email = uniqueEmail()
  const password = 'long enough'
  const good = { email, name: 'Ada', password }
  const cases: [Record<string, unknown>, RegExp[]][] = [
    [{ phone_number: '1' }, [invalidName, invalidEmail, shortPassword]],
    [
      { email: 'nobody', name: 'A', password: 'short', password_confirmation: 'other' },
      [invalidName, mismatch, invalidEmail, shortPassword],
    ],
    [{ ...good, email: '' }, [invalidEmail]],
    [{ ...good, email: 'a b@example.org' }, [invalidEmail]],
    [{ ...good, email: 'ada@' }, [invalidEmail]],
    [{ ...good, email: 7 }, [invalidEmail]],
    [{ ...good, email: null }, [invalidEmail]],
    [{ ...good, email: `${'x'.repeat(300)}@example.org` }, [invalidEmail]],
    [{ ...good, email: `\u0000${email}` }, [invalidEmail]],
    [{ ...good, name: ' A ' }, [invalidName]],
    [{ ...good, name: 'A'.repeat(101) }, [invalidName]],
    [{ ...good, name: 'Ada\u0000' }, [invalidName]],
    [{ ...good, name: ['Ada'] }, [invalidName]],
    [{ email, password }, [invalidName]],
    [{ ...good, password: '1234567' }, [shortPassword]],
    [{ ...good, password: 'x'.repeat(257) }, [longPassword]],
    [{ ...good, password: 12345678 }, [shortPassword]],
    [{ email, name: 'Ada' }, [shortPassword]],
    [{ ...good, password_confirmation: 'long enouGh' }, [mismatch]],
    [{ ...good, password_confirmation: '' }, [mismatch]],
  ]
  for (const [fields, problems] of cases) {
    const note = JSON.stringify(fields)
    expectFailure(await register({ client: fields }), 422, 'REGISTRATION_FAILED', problems, note)
    if (!('phone_number' in fields)) {
      expectFailure(await register(fields), 422, 'REGISTRATION_FAILED', problems, `unwrapped ${note}`)
    }
  }
  expect(await accountsOf(email)).toEqual([])
})

test('C-06 names of 2 and 100 characters, passwords of 8 and 256 and an absent confirmation are taken', async () => {
  for (const name of ['Al', '𝒜'.repeat(100)]) {
    for (const password of ['12345678', 'é'.repeat(256)]) {
      const answer = await register({ client: { email: uniqueEmail(), name, password, password_confirmation: null } })
      expect(answer.status, answer.text).toBe(201)
      expect(answer.body.client).toMatchObject({ name })
    }
  }
})

test('C-06 an address that is taken is 422 whatever its case, and nothing happens to its owner', async () => {
  const { id, email } = await clients.register()
  const again = { client: { email: email.toUpperCase(), name: 'Somebody else', password: 'another password' } }
  expectFailure(await register(again), 422, 'REGISTRATION_FAILED', [taken])
  expect(await accountsOf(email)).toEqual([{ id }])
  expect(await clients.events(id)).toHaveLength(1)
})

test('C-06 of racing registrations one wins and the others are 422', async () => {
  const email = uniqueEmail()
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      register({ client: { email, name: `Racer ${index}`, password: 'a long password' } }),
    ),
  )
  const [won, ...more] = answers.filter(({ status }) => status === 201)
  expect(more).toEqual([])
  for (const lost of answers.filter((answer) => answer !== won)) {
    expectFailure(lost, 422, 'REGISTRATION_FAILED', [taken])
  }
  expect(await accountsOf(email)).toEqual([{ id: won?.body.client_id }])
})
