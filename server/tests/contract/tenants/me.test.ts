import { beforeAll, expect, inject, test } from 'vitest'
import { uniqueName } from '../../support/unique-name.ts'
import { type Activity, expectFailure, expectInvalid, expectTokenRefused, password, tenantsClient } from './client.ts'

const api = tenantsClient(inject('arrangement'))
beforeAll(api.ensureVendor)

const change = (json: unknown, token?: string) => api.put('/api/users/me', json, token)

test('T-02 whoever is signed in reads and changes themselves', async () => {
  const person = await api.join(uniqueName('tenant'))
  const me = await api.get('/api/users/me', person.token)
  const expected = {
    id: person.id,
    email: person.email,
    full_name: 'Ada Lovelace',
    role: 'tenant_admin',
    tenant_id: person.claims.tenant_id,
    is_email_verified: false,
    preferences: {},
    last_login: expect.stringMatching(/Z$/),
  }
  expect({ status: me.status, body: me.body }).toEqual({ status: 200, body: expected })

  const preferences = { theme: 'dark', nested: { list: [1, null, 'ü 🦊'] } }
  const changed = await change({ full_name: '  Ada King ', preferences, role: 'vendor_admin' }, person.token)
  expect({ status: changed.status, body: changed.body }).toEqual({
    status: 200,
    body: { message: 'User updated successfully' },
  })
  const after = await api.get('/api/users/me', person.token)
  expect(after.body).toEqual({ ...expected, full_name: 'Ada King', preferences })
  expect((await change({ preferences: {} }, person.token)).status).toBe(200)
  expect((await api.get('/api/users/me', person.token)).body).toEqual({ ...expected, full_name: 'Ada King' })
})

test('T-63 names and preferences that cannot be kept are 400 and change nothing', async () => {
  const person = await api.join(uniqueName('tenant'))
  for (const full_name of ['', '   ', 5, null, 'x'.repeat(201), 'a\u0000b']) {
    expectInvalid(await change({ full_name }, person.token), 'full_name')
  }
  const deep = JSON.parse(`${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`) as object
  const unkeepable = [5, null, [], 'text', { x: 'y'.repeat(8 * 1024) }, { x: '\u0000' }, { '\ud800': 1 }, deep]
  for (const preferences of unkeepable) expectInvalid(await change({ preferences }, person.token), 'preferences')
  expect((await change({ preferences: { x: 'y'.repeat(8_000) } }, person.token)).status, 'just below').toBe(200)
  for (const nothing of [{}, { email: 'else@example.org' }])
    expect((await change(nothing, person.token)).status).toBe(400)
  expect((await api.get('/api/users/me', person.token)).body).toMatchObject({
    full_name: 'Ada Lovelace',
    email: person.email,
  })
  expectTokenRefused(await change({ full_name: 'Nobody' }))
})

test('T-07 whoever is signed in reads their own activity', async () => {
  const person = await api.join(uniqueName('tenant'))
  const all = await api.get<Activity[]>('/api/users/me/activity', person.token)
  expect(all.status).toBe(200)
  expect(all.body.map(({ action }) => action)).toEqual(['login', 'register'])
  const page = await api.get<Activity[]>('/api/users/me/activity?limit=1&offset=1', person.token)
  expect(page.body).toEqual([
    { action: 'register', details: {}, ip_address: '127.0.0.1', created_at: expect.stringMatching(/Z$/) },
  ])
  expectInvalid(await api.get('/api/users/me/activity?limit=0', person.token), 'limit')
  expectTokenRefused(await api.get('/api/users/me/activity'))
})

test('T-02 whoever knows the password changes it: this session stays, the others end', async () => {
  const person = await api.join(uniqueName('tenant'))
  const other = await api.signIn(person)
  const set = (json: unknown, token: string | undefined = person.token) =>
    api.put('/api/users/me/password', json, token)
  for (const field of ['current_password', 'new_password']) {
    const { [field]: _, ...rest }: Record<string, string> = { current_password: password, new_password: 'Other456?' }
    expectFailure(await set(rest), 400, `Missing required field: ${field}`)
  }
  expectFailure(
    await set({ current_password: 'Wrong123!', new_password: 'Other456?' }),
    400,
    'Current password is incorrect',
  )
  expectFailure(await set({ current_password: password, new_password: 'weak' }), 400, /at least 8.*upper-case/)
  expect(await api.statusOf(other.access_token)).toBe(200)

  const changed = await set({ current_password: password, new_password: 'Other456?' })
  expect({ status: changed.status, body: changed.body }).toEqual({
    status: 200,
    body: { message: 'Password changed successfully' },
  })
  expect(await api.statusOf(person.token)).toBe(200)
  expect((await api.refresh(person.refreshToken)).status).toBe(200)
  expectTokenRefused(await api.get('/api/users/me', other.access_token))
  expectTokenRefused(await api.refresh(other.refresh_token))
  await api.signIn({ ...person, password: 'Other456?' })
})
