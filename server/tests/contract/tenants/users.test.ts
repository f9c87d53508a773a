import { beforeAll, expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'
import {
  type Activity,
  expectFailure,
  expectInvalid,
  expectTokenRefused,
  type Person,
  password,
  tenantsClient,
  type UserRow,
  uniqueEmail,
} from './client.ts'

const api = tenantsClient(inject('arrangement'))
beforeAll(api.ensureVendor)

const list = (token: string, query = '') => api.get<{ total: number; users: UserRow[] }>(`/api/users${query}`, token)
const update = (id: number | string, json: unknown, token: string) => api.put(`/api/users/${id}`, json, token)
const activity = (id: number | string, token: string, query = '') =>
  api.get<Activity[]>(`/api/users/${id}/activity${query}`, token)
const refreshed = async (person: Person) => (await api.refresh(person.refreshToken)).body.access_token
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

test('T-45 a tenant administrator lists the own tenant, page by page', async () => {
  const { name, admin, user } = await api.tenant()
  const all = await list(admin.token)
  expect({ status: all.status, body: all.body }).toEqual({
    status: 200,
    body: {
      total: 2,
      users: [
        { ...rowOf(admin), role: 'tenant_admin' },
        { ...rowOf(user), role: 'user' },
      ],
    },
  })
  const third = await api.join(name)
  const page = await list(admin.token, '?limit=1&offset=1')
  expect(page.body).toEqual({ total: 3, users: [expect.objectContaining({ id: user.id })] })
  expect((await list(admin.token, '?role=user')).body.users.map(({ id }) => id)).toEqual([user.id, third.id])
  expect((await list(admin.token, '?offset=99')).body).toEqual({ total: 3, users: [] })
})

const rowOf = (person: Person) => ({
  id: person.id,
  email: person.email,
  full_name: 'Ada Lovelace',
  tenant_id: person.claims.tenant_id,
  is_active: true,
  is_email_verified: false,
  last_login: expect.stringMatching(time),
})

test('T-45 ten users are a page by default; the old names of roles are good to filter by', async () => {
  const { name, admin } = await api.tenant()
  for (let index = 0; index < 10; index += 1) {
    const json = { email: `${uniqueName('p')}@example.org`, password, full_name: 'P', tenant_name: name }
    expect((await api.register(json)).status).toBe(201)
  }
  const { body } = await list(admin.token)
  expect({ total: body.total, shown: body.users.length }).toEqual({ total: 12, shown: 10 })
  expect(body.users.at(-1)!.last_login).toBeNull()
  expect((await list(admin.token, '?role=admin')).body).toMatchObject({ total: 1, users: [{ id: admin.id }] })
  expect((await list(admin.token, '?role=vendor')).body).toEqual({ total: 0, users: [] })
})

test('T-45 limits, offsets and roles that there are not are 400', async () => {
  const { admin } = await api.tenant()
  for (const limit of ['0', '-1', '101', '1.5', 'ten', ''])
    expectInvalid(await list(admin.token, `?limit=${limit}`), 'limit')
  for (const offset of ['-1', 'x', '1e99']) expectInvalid(await list(admin.token, `?offset=${offset}`), 'offset')
  for (const role of ['root', '']) expectInvalid(await list(admin.token, `?role=${role}`), 'role')
  expectInvalid(await list(admin.token, '?tenant_id=main'), 'tenant_id')
  expect((await list(admin.token, '?limit=100&unknown=1')).status).toBe(200)
})

test('T-05 T-45 a vendor sees every tenant or one, a tenant administrator never leaves the own', async () => {
  const [here, there] = [await api.tenant(), await api.tenant()]
  const { token } = await api.vendor()
  const query = `?limit=100&tenant_id=${there.admin.claims.tenant_id}`
  expect((await list(token, query)).body.users.map(({ id }) => id)).toEqual([there.admin.id, there.user.id])
  expect((await list(token, '?role=vendor_admin')).body.total).toBeGreaterThanOrEqual(1)
  expect((await list(token, '?limit=1')).body.total).toBeGreaterThanOrEqual(5)
  expect((await list(here.admin.token, query)).body.users.map(({ id }) => id)).toEqual([here.admin.id, here.user.id])
})

test('T-04 admin routes are 403 for users and 401 for nobody', async () => {
  const { user } = await api.tenant()
  const calls = [
    (token?: string) => api.get('/api/users', token),
    (token?: string) => api.put(`/api/users/${user.id}`, { is_active: true }, token),
    (token?: string) => api.get(`/api/users/${user.id}/activity`, token),
    (token?: string) => api.get('/api/metrics', token),
  ]
  for (const request of calls) {
    expectFailure(await request(user.token), 403, 'Unauthorized')
    expectTokenRefused(await request())
  }
})

test('T-46 T-63 a change of nothing names what could have been changed', async () => {
  const { admin, user } = await api.tenant()
  const missing = ['Missing data for required field']
  const vendor = await update(user.id, {}, (await api.vendor()).token)
  expect([vendor.status, vendor.body]).toEqual([
    400,
    { message: 'Validation error', errors: { is_active: missing, role: missing } },
  ])
  const tenantAdmin = await update(user.id, {}, admin.token)
  expect([tenantAdmin.status, tenantAdmin.body]).toEqual([
    400,
    { message: 'Validation error', errors: { is_active: missing } },
  ])
})

test('T-46 a deactivated user is out at once, and in again when activated', async () => {
  const { admin, user } = await api.tenant()
  const answer = await update(user.id, { is_active: false }, admin.token)
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: { message: 'User updated successfully' },
  })
  expectTokenRefused(await api.get('/api/users/me', user.token))
  expectTokenRefused(await api.refresh(user.refreshToken))
  expect((await list(admin.token, '?role=user')).body.users).toEqual([
    { ...rowOf(user), role: 'user', is_active: false },
  ])
  expect((await update(user.id, { is_active: true, full_name: 'ignored' }, admin.token)).status).toBe(200)
  await api.signIn(user)
  expect(await api.events(user.claims.uid)).toEqual(['account.registered', 'account.deactivated', 'account.activated'])
})

test('T-05 T-46 where a tenant wants to approve, whoever joins waits until an administrator activates them', async () => {
  const { name, admin } = await api.tenant()
  await api.rows(`UPDATE tenants SET settings = '{"approval": true}' WHERE name = $1`, [name])
  const json = { email: uniqueEmail(), password, full_name: 'Waits', tenant_name: name }
  expect((await api.register(json)).status).toBe(201)
  expectFailure(await api.post('/api/login', json), 401, 'Account is inactive')
  const waiting = (await list(admin.token)).body.users.find(({ email }) => email === json.email)!
  expect(waiting.is_active).toBe(false)
  expect((await update(waiting.id, { is_active: true }, admin.token)).status).toBe(200)
  expect((await api.post('/api/login', json)).status).toBe(200)
})

test('T-04 T-46 a vendor gives roles, others do not; the role is read anew from the database', async () => {
  const { admin, user } = await api.tenant()
  expect((await update(user.id, { role: 'tenant_admin' }, admin.token)).status, 'ignored').toBe(200)
  expect((await list(admin.token)).body.users.map(({ role }) => role)).toEqual(['tenant_admin', 'user'])
  expect(await api.statusOf(user.token)).toBe(200)

  const vendor = await api.vendor()
  expect((await update(user.id, { role: 'tenant_admin' }, vendor.token)).status).toBe(200)
  expectTokenRefused(await api.get('/api/users', user.token), 'the token with the old role')
  const raised = await refreshed(user)
  expect(claimsOf(raised)).toMatchObject({ role: 'tenant_admin' })
  expect((await list(raised)).body.total).toBe(2)
  expect((await update(user.id, { role: 'user' }, vendor.token)).status).toBe(200)
  expectTokenRefused(await api.get('/api/users', raised))
  const [last] = (await activity(user.id, admin.token, '?action=update_user&limit=1')).body
  expect(last).toEqual({
    action: 'update_user',
    details: { role: 'user', former_role: 'tenant_admin' },
    ip_address: '127.0.0.1',
    created_at: expect.stringMatching(time),
  })
  expect((await update(user.id, { is_active: false }, vendor.token)).status).toBe(200)
  const [newest] = (await activity(user.id, admin.token, '?action=update_user&limit=1')).body
  expect(newest?.details).toEqual({ is_active: false })
})

test('T-46 nobody changes themselves, a tenant administrator no vendor, and the last vendor stays', async () => {
  const { admin, name } = await api.tenant()
  const vendor = await api.vendor()
  expectFailure(await update(admin.id, { is_active: false }, admin.token), 403, 'Unauthorized')
  expectFailure(await update(vendor.id, { role: 'user' }, vendor.token), 403, 'Unauthorized')
  const second = await api.join(name)
  expect((await update(second.id, { role: 'vendor_admin' }, vendor.token)).status).toBe(200)
  expectFailure(await update(second.id, { is_active: false }, admin.token), 403, 'Unauthorized')
  expectFailure(await activity(second.id, admin.token), 403, 'Unauthorized')
  expect((await update(second.id, { role: 'user' }, vendor.token)).status).toBe(200)
})

test('T-46 another tenant is 403, an id that there is not too; for a vendor it is 404', async () => {
  const [here, there] = [await api.tenant(), await api.tenant()]
  const vendor = await api.vendor()
  for (const id of [there.user.id, there.admin.id, 999_999_999, 'abc', '-1', '1.5', '99999999999999999999']) {
    expectFailure(await update(id, { is_active: false }, here.admin.token), 403, 'Unauthorized', String(id))
    expectFailure(await activity(id, here.admin.token), 403, 'Unauthorized', String(id))
  }
  for (const id of [999_999_999, 'abc', '-1', '1.5', '99999999999999999999']) {
    expectFailure(await update(id, { is_active: false }, vendor.token), 404, 'Resource not found', String(id))
    expectFailure(await activity(id, vendor.token), 404, 'Resource not found', String(id))
  }
  expect(await api.statusOf(there.user.token)).toBe(200)
})

test('T-46 T-63 what does not fit is 400 and changes nothing', async () => {
  const { user } = await api.tenant()
  const { token } = await api.vendor()
  for (const is_active of ['true', 1, null, []]) expectInvalid(await update(user.id, { is_active }, token), 'is_active')
  for (const role of ['admin', '', 5, null]) expectInvalid(await update(user.id, { role }, token), 'role')
  for (const nothing of [{}, { full_name: 'x' }]) expect((await update(user.id, nothing, token)).status).toBe(400)
  expect(await api.statusOf(user.token)).toBe(200)
})

test('T-07 T-47 the activity of a user is told newest first, by pages and by action, without secrets', async () => {
  const { admin, user } = await api.tenant()
  await api.post('/api/login', { email: user.email, password: 'Wrong123!', tenant_name: user.tenant })
  await api.refresh(user.refreshToken)
  await api.put('/api/users/me', { full_name: 'Ada King', preferences: { theme: 'secret preference' } }, user.token)
  await api.post('/api/verify-email', { token: user.verificationToken })
  await api.post('/api/logout', {}, { token: user.token })

  const all = await activity(user.id, admin.token, '?limit=100')
  expect(all.status).toBe(200)
  const actions = ['logout', 'verify_email', 'update_profile', 'refresh', 'login_failed', 'login', 'register']
  expect(all.body).toEqual(
    actions.map((action) => ({
      action,
      details: expect.any(Object),
      ip_address: '127.0.0.1',
      created_at: expect.stringMatching(time),
    })),
  )
  for (const secret of [password, 'Wrong123!', 'secret preference', user.refreshToken, user.verificationToken]) {
    expect(all.text).not.toContain(secret)
  }
  const page = await activity(user.id, admin.token, '?limit=2&offset=1')
  expect(page.body.map(({ action }) => action)).toEqual(['verify_email', 'update_profile'])
  const logins = await activity(user.id, admin.token, '?action=login')
  expect(logins.body.map(({ action }) => action)).toEqual(['login'])
  expect((await activity(user.id, admin.token, '?action=unknown')).body).toEqual([])
  for (const limit of ['0', '101', 'x']) expectInvalid(await activity(user.id, admin.token, `?limit=${limit}`), 'limit')
  expectInvalid(await activity(user.id, admin.token, '?offset=-1'), 'offset')
})
