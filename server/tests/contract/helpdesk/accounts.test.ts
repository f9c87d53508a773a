import { expect, inject, test } from 'vitest'
import { expectFailure, helpdeskClient, type LongUser, type Person, uniqueEmail } from './client.ts'

const helpdesk = helpdeskClient(inject('arrangement'))
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const byId = (id: string, token?: string) => helpdesk.get<{ data: LongUser }>(`/api/auth/users/${id}`, { token })
const byEmail = (email: string, token?: string) =>
  helpdesk.get<{ data: LongUser }>(`/api/auth/users/email/${encodeURIComponent(email)}`, { token })

const longUserOf = ({ id, email }: Person) => ({
  id,
  userId: id,
  email,
  role: 'user',
  isActive: true,
  emailVerified: false,
  createdAt: time,
  lastLogin: time,
})

/** The reference's raw columns, with the values of the fields beside them. */
const columnsOf = ({ isActive, emailVerified, createdAt, lastLogin }: LongUser) => ({
  is_active: isActive,
  email_verified: emailVerified,
  created_at: createdAt,
  last_login: lastLogin,
})

test('H-20 me answers the long user, as data and as user', async () => {
  const person = await helpdesk.register()
  const answer = await helpdesk.get('/api/auth/me', { token: person.token })
  expect(answer.status).toBe(200)
  const user = longUserOf(person)
  expect(answer.body).toEqual({ success: true, data: user, user })
  expect(answer.headers.get('x-token-expires-soon')).toBeNull()
  expect(answer.headers.get('x-token-expires-in')).toBeNull()
})

test('H-20 H-69 me without a token or with a bad one is 401', async () => {
  const missing = await helpdesk.get('/api/auth/me')
  expectFailure(missing, 401, 'MISSING_TOKEN')
  expect(missing.headers.get('www-authenticate')).toBe('Bearer')
  expectFailure(await helpdesk.get('/api/auth/me', { token: 'x.y.z' }), 401, 'INVALID_TOKEN')
})

test('H-18 an account is read by its id: by its owner, an administrator and a service', async () => {
  const person = await helpdesk.register()
  const tokens = [person.token, await helpdesk.admin(), await helpdesk.serviceToken()]
  for (const token of tokens) {
    for (const id of [person.id, person.id.toUpperCase()]) {
      const answer = await byId(id, token)
      expect(answer.status, answer.text).toBe(200)
      expect(answer.body).toEqual({ success: true, data: longUserOf(person) })
    }
  }
})

test('H-19 an account is read by its e-mail address, with the raw columns beside the fields', async () => {
  const person = await helpdesk.register('first.last+tag')
  const tokens = [person.token, await helpdesk.admin(), await helpdesk.serviceToken()]
  for (const token of tokens) {
    for (const email of [person.email, person.email.toUpperCase()]) {
      const answer = await byEmail(email, token)
      expect(answer.status, answer.text).toBe(200)
      const { data } = answer.body
      expect(answer.body).toEqual({ success: true, data: { ...longUserOf(person), ...columnsOf(data) } })
    }
  }
})

test("H-18 H-19 somebody else's account is 403, whether it exists or not", async () => {
  const [one, other] = await Promise.all([helpdesk.register(), helpdesk.register()])
  const missing = '00000000-0000-7000-8000-000000000000'
  const answers = [
    await byId(other.id, one.token),
    await byId(missing, one.token),
    await byId('not-a-uuid', one.token),
    await byEmail(other.email, one.token),
    await byEmail(uniqueEmail(), one.token),
    await byEmail('no address', one.token),
  ]
  for (const answer of answers) expectFailure(answer, 403, 'FORBIDDEN')
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
})

test('H-18 H-19 what does not exist is 404 for an administrator and for a service', async () => {
  for (const token of [await helpdesk.admin(), await helpdesk.serviceToken()]) {
    for (const id of ['00000000-0000-7000-8000-000000000000', 'not-a-uuid', '1', "'--"]) {
      expectFailure(await byId(encodeURIComponent(id), token), 404, 'USER_NOT_FOUND')
    }
    for (const email of [uniqueEmail(), 'no address']) {
      expectFailure(await byEmail(email, token), 404, 'USER_NOT_FOUND')
    }
  }
})

test('H-18 H-19 without a good token it is 401, also with something like a service token', async () => {
  const { id, email } = await helpdesk.register()
  for (const read of [() => byId(id), () => byEmail(email)]) expectFailure(await read(), 401, 'MISSING_TOKEN')
  const almost = `${(await helpdesk.serviceToken()).slice(0, -1)}_`
  for (const token of ['nonsense', almost]) {
    expectFailure(await byId(id, token), 401, 'INVALID_TOKEN')
    expectFailure(await byEmail(email, token), 401, 'INVALID_TOKEN')
  }
  // It opens only what services call.
  expectFailure(await helpdesk.get('/api/auth/me', { token: await helpdesk.serviceToken() }), 401, 'INVALID_TOKEN')
})

test('H-18 no answer tells of failed sign-ins or locks', async () => {
  const person = await helpdesk.register()
  for (let index = 0; index < 5; index += 1) await helpdesk.login(person.email, 'Wrong-horse7')
  const admin = await helpdesk.admin()
  for (const answer of [await byId(person.id, admin), await byEmail(person.email, admin)]) {
    expect(answer.status).toBe(200)
    expect(answer.text).not.toMatch(/lock|fail|attempt|hash|password/i)
  }
})

test('H-22 statistics are for administrators', async () => {
  const token = await helpdesk.admin()
  const read = async () => {
    const answer = await helpdesk.get<{ data: Record<string, number> }>('/api/auth/stats', { token })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      data: {
        totalUsers: expect.any(Number),
        activeUsers: expect.any(Number),
        lockedUsers: expect.any(Number),
        activeSessions: expect.any(Number),
        timestamp: time,
      },
    })
    return answer.body.data
  }
  const before = await read()
  const person = await helpdesk.register()
  for (let index = 0; index < 5; index += 1) await helpdesk.login(person.email, 'Wrong-horse7')
  const after = await read()
  // Other files of tests register too, at the same time.
  expect(after.totalUsers).toBeGreaterThan(before.totalUsers ?? 0)
  expect(after.lockedUsers).toBeGreaterThanOrEqual(1)
  expect(after.activeUsers).toBeLessThanOrEqual(after.totalUsers ?? 0)
  expect(after.activeSessions).toBeGreaterThanOrEqual(1)

  expectFailure(await helpdesk.get('/api/auth/stats', { token: person.token }), 403, 'FORBIDDEN')
  expectFailure(await helpdesk.get('/api/auth/stats'), 401, 'MISSING_TOKEN')
})
