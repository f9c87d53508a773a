import { beforeAll, describe, expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { claimsOf } from '../../support/tokens.ts'
import {
  expectFailure,
  expectInvalid,
  expectNotVerified,
  expectUserEvent,
  helpdeskClient,
  type Person,
  type TokenAnswer,
} from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk

let admin: string
beforeAll(async () => {
  admin = await helpdesk.admin()
})

const changeRole = (id: string, json: unknown, token = admin) =>
  users.put(`/api/admin/users/${id}/role`, { token, json })
const remove = (id: string, token = admin) => users.del(`/api/admin/users/${id}`, { token })
const verify = ({ token }: { token: string }) => helpdesk.get('/api/auth/verify', { token })
const typesOf = async (id: string) => (await helpdesk.recordedOfProfile(id)).map(({ type }) => type)

/** The token is refused by both services, after a moment at most. */
async function expectRefused({ token }: Person): Promise<void> {
  for (const ask of [() => helpdesk.get('/api/auth/me', { token }), () => users.get('/api/profile/me', { token })]) {
    const refused = await eventually(ask, ({ status }) => expect(status).toBe(401), 5_000)
    expectFailure(refused, 401, 'INVALID_TOKEN')
  }
}

describe('roles', () => {
  test('H-26 a new role is answered, announced, and that of the next token; the former tokens are refused', async () => {
    const person = await helpdesk.profiled()
    for (const role of ['manager', 'agent', 'admin', 'user']) {
      const answer = await changeRole(person.id, { role })
      expect(answer.status, answer.text).toBe(200)
      expect(answer.body).toEqual({ success: true, data: { role }, message: expect.stringMatching(/\S/) })
      const { accessToken } = await helpdesk.signIn(person.email, person.password)
      expect(claimsOf(accessToken).role).toBe(role)
      expect((await verify({ token: accessToken })).body).toMatchObject({ user: { id: person.id, role } })
      const list = await users.get('/api/admin/users', { token: accessToken })
      expect(list.status, role).toBe(role === 'admin' ? 200 : 403)
    }
    await expectRefused(person)
    const events = await helpdesk.recordedOfProfile(person.id)
    expect(events.map(({ type }) => type)).toEqual(['profile.created', ...Array<string>(4).fill('user.role_changed')])
    expectUserEvent(events[1]!, 'user.role_changed', person, { role: 'manager' })
    const { accessToken } = await helpdesk.signIn(person.email, person.password)
    const types = (await users.activities({ token: accessToken })).map(({ activityType }) => activityType)
    expect(types.slice(0, 4)).toEqual(Array(4).fill('role_changed'))
  })

  test('H-26 H-53 a role that there is not is 400', async () => {
    const { id } = await helpdesk.register()
    for (const json of [{}, { role: 'root' }, { role: '' }, { role: null }, { role: 5 }, { role: ['admin'] }]) {
      expectInvalid(await changeRole(id, json), 'role')
    }
    expect(await typesOf(id)).not.toContain('user.role_changed')
  })

  test('H-26 nobody changes the own role', async () => {
    const id = claimsOf(admin).uid
    for (const own of [id, id.toUpperCase()]) {
      for (const role of ['user', 'admin']) expectFailure(await changeRole(own, { role }), 403, 'FORBIDDEN')
    }
    expect((await verify({ token: admin })).body).toMatchObject({ user: { role: 'admin' } })
  })

  test('H-26 an administrator who is one no longer gives no roles', async () => {
    const person = await helpdesk.register()
    const { accessToken } = await helpdesk.grant(await helpdesk.register(), 'admin')
    expect((await changeRole(person.id, { role: 'agent' }, accessToken)).status).toBe(200)
    expect((await changeRole(claimsOf(accessToken).uid, { role: 'user' })).status).toBe(200)
    await eventually(
      () => changeRole(person.id, { role: 'admin' }, accessToken),
      (answer) => expectFailure(answer, 401, 'INVALID_TOKEN'),
      5_000,
    )
  })
})

describe('deletion', () => {
  test('H-26 somebody who is deleted is gone from both services, and events say so', async () => {
    const person = await helpdesk.profiled()
    await users.put('/api/profile/me', { token: person.token, json: { firstName: 'Ada', department: 'Support' } })
    const answer = await remove(person.id)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })

    await expectRefused(person)
    expectNotVerified(await verify(person))
    expectFailure(await helpdesk.login(person.email, person.password), 401, 'INVALID_CREDENTIALS')
    const { refreshToken } = person
    expectFailure(await helpdesk.post('/api/auth/refresh', { json: { refreshToken } }), 401, 'INVALID_REFRESH_TOKEN')
    const token = admin
    expectFailure(await helpdesk.get(`/api/auth/users/${person.id}`, { token }), 404, 'USER_NOT_FOUND')
    expectFailure(await users.get(`/api/admin/users/${person.id}`, { token }), 404, 'USER_NOT_FOUND')
    expectFailure(await remove(person.id), 404, 'USER_NOT_FOUND')

    const events = await helpdesk.recordedOfProfile(person.id)
    expect(events.map(({ type }) => type)).toEqual(['profile.created', 'profile.updated', 'user.deleted'])
    expectUserEvent(events[2]!, 'user.deleted', person)
    expect(await helpdesk.recorded(person.id)).toContain('account.deleted')
    expect(await helpdesk.profileRows('SELECT 1 FROM profiles WHERE account_id = $1', [person.id])).toEqual([])
    const done = (await users.activities({ token })).find(({ activityType }) => activityType === 'admin_user_deleted')
    expect(done).toMatchObject({ userId: claimsOf(admin).uid, activityData: { accountId: person.id } })
  })

  test('H-26 whoever never had a profile is deleted as well', async () => {
    const person = await helpdesk.register()
    expect((await remove(person.id)).status).toBe(200)
    await expectRefused(person)
  })

  test('H-26 a deleted account stays deleted, whatever comes late', async () => {
    const person = await helpdesk.register()
    expect((await remove(person.id)).status).toBe(200)
    const again = await helpdesk.post<TokenAnswer>('/api/auth/register', {
      json: { email: person.email, password: person.password },
    })
    // The address is free again, for another account.
    expect(again.status, again.text).toBe(201)
    expect(again.body.user.id).not.toBe(person.id)
    expect(await helpdesk.profileRows('SELECT 1 FROM profiles WHERE account_id = $1', [person.id])).toEqual([])
  })

  test('H-26 of ten who delete somebody at once one is told so, and the others that nobody is there', async () => {
    const person = await helpdesk.profiled()
    const answers = await Promise.all(Array.from({ length: 10 }, () => remove(person.id)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(404)])
    const events = await helpdesk.recordedOfProfile(person.id)
    expect(events.filter(({ type }) => type === 'user.deleted')).toHaveLength(1)
  })

  test('H-26 nobody deletes oneself', async () => {
    const id = claimsOf(admin).uid
    for (const own of [id, id.toUpperCase()]) expectFailure(await remove(own), 403, 'FORBIDDEN')
    expect((await verify({ token: admin })).status).toBe(200)
  })
})

if (arrangement.name !== 'all')
  describe('at the paths of the reference', () => {
    test('H-26 roles are given and people deleted', async () => {
      const { id } = await helpdesk.register()
      const role = await users.put(`/api/v1/users/${id}/role`, { token: admin, json: { role: 'agent' } })
      expect(role.body).toEqual({ success: true, data: { role: 'agent' }, message: expect.any(String) })
      expectInvalid(await users.put(`/api/v1/users/${id}/role`, { token: admin, json: { role: 'root' } }), 'role')
      expect((await users.del(`/api/v1/users/${id}`, { token: admin })).body).toEqual({
        success: true,
        message: expect.any(String),
      })
      const own = claimsOf(admin).uid
      expectFailure(await users.del(`/api/v1/users/${own}`, { token: admin }), 403, 'FORBIDDEN')
    })
  })
