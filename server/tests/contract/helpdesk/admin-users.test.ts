import { beforeAll, describe, expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { uniqueName } from '../../support/unique-name.ts'
import {
  expectFailure,
  expectInvalid,
  expectInvalidQuery,
  expectUserEvent,
  helpdeskClient,
  type ListedProfile,
  newProfileOf,
  nobody,
  type Person,
  type Profile,
  time,
  uuid,
} from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk

interface List {
  data: ListedProfile[]
  users: ListedProfile[]
  pagination: Record<string, number | boolean>
}
const path = '/api/admin/users'
const ask = (token: string | undefined, query: Record<string, string> = {}) =>
  users.get<List>(`${path}?${new URLSearchParams(query)}`, { token })

let admin: string
beforeAll(async () => {
  admin = await helpdesk.admin()
})

async function list(query: Record<string, string> = {}): Promise<List> {
  const answer = await ask(admin, query)
  expect(answer.status, answer.text).toBe(200)
  const { data, pagination } = answer.body
  expect(answer.body).toEqual({ success: true, data, users: data, pagination })
  return answer.body
}
const idsOf = ({ data }: List) => data.map(({ id }) => id)

/** Somebody with a profile like this. */
async function person(fields: object = {}, prefix?: string): Promise<Person> {
  const made = await helpdesk.register(prefix)
  const answer = await users.put('/api/profile/me', { token: made.token, json: { phone: '1', ...fields } })
  expect(answer.status, answer.text).toBe(200)
  return made
}

describe('the list', () => {
  test('H-26 administrators list users, under both name sets of the page', async () => {
    const department = uniqueName('department')
    const people = [await person({ department }), await person({ department }), await person({ department })]
    const first = await list({ department, limit: '2' })
    expect(idsOf(first)).toEqual([people[2]!.id, people[1]!.id])
    expect(first.pagination).toEqual({
      page: 1,
      limit: 2,
      total: 3,
      pages: 2,
      hasNext: true,
      hasPrev: false,
      currentPage: 1,
      totalPages: 2,
      totalUsers: 3,
    })
    expect(first.data[0]).toEqual({ ...newProfileOf(people[2]!), phone: '1', department, role: 'user', isActive: true })
    const second = await list({ department, limit: '2', page: '2' })
    expect(idsOf(second)).toEqual([people[0]!.id])
    expect(second.pagination).toMatchObject({ page: 2, currentPage: 2, hasNext: false, hasPrev: true })
    const beyond = await list({ department, page: '1000000', limit: '100' })
    expect(beyond.data).toEqual([])
    expect(beyond.pagination).toMatchObject({ page: 1_000_000, total: 3, pages: 1, hasNext: false, hasPrev: true })
    const none = await list({ department: uniqueName('nothing') })
    expect(none.pagination).toMatchObject({ page: 1, total: 0, pages: 0, hasNext: false, hasPrev: false })
  })

  test('H-26 without a query the newest twenty come, and a registration alone brings somebody in', async () => {
    const made = await helpdesk.register()
    const found = await eventually(
      () => list({ search: made.email }),
      ({ data }) => expect(data).toHaveLength(1),
    )
    expect(found.data).toEqual([{ ...newProfileOf(made), role: 'user', isActive: true }])
    const { data, pagination } = await list()
    expect(data.length).toBeLessThanOrEqual(20)
    expect(pagination).toMatchObject({ page: 1, limit: 20 })
    const times = data.map(({ createdAt }) => Date.parse(createdAt))
    expect(times).toEqual([...times].sort((a, b) => b - a))
  })

  test('H-26 users are found by the beginnings of their names and address, without case and accents', async () => {
    const tag = uniqueName('q').replaceAll('-', '')
    const made = await person({ firstName: `Éloïse${tag}`, lastName: 'Ångström-Dupré' }, `${tag}zz`)
    const found = [`élo`, `eloise${tag}`, `ÉLOÏSE${tag.toUpperCase()}`, `${tag}zz`, made.email, `elo ang`, ' éloï ']
    for (const search of found) {
      expect(idsOf(await list({ search, limit: '100' })), search).toContain(made.id)
    }
    for (const search of [`${tag}x`, `dupont eloise${tag}`, '%', '_', `'; DROP TABLE profiles; --`]) {
      expect(idsOf(await list({ search, limit: '100' })), search).not.toContain(made.id)
    }
  })

  test('H-26 users are found by department and by role', async () => {
    const department = uniqueName('department')
    const [manager, user] = await Promise.all([person({ department }), person({ department }), person()])
    await helpdesk.grant(manager, 'manager')
    await eventually(
      () => list({ department, role: 'manager' }),
      (found) => expect(idsOf(found)).toEqual([manager.id]),
    )
    expect(idsOf(await list({ department, role: 'user' }))).toEqual([user.id])
    expect(idsOf(await list({ department, role: 'agent' }))).toEqual([])
    // What forms send that nobody filled in.
    const blank = { role: '', search: '', page: '', limit: '', sortBy: '', sortOrder: '' }
    const { pagination, data } = await list({ department, ...blank })
    expect(data).toHaveLength(2)
    expect(pagination).toMatchObject({ page: 1, limit: 20 })
  })

  test('H-26 the list shows the role of everybody, and who is deactivated', async () => {
    const department = uniqueName('department')
    const [manager, gone] = [await person({ department }), await person({ department })]
    await helpdesk.grant(manager, 'manager')
    const { code, stderr } = await helpdesk.command('account', 'deactivate', gone.email, '--contract', 'helpdesk')
    expect(code, stderr).toBe(0)
    const shown = async () =>
      (await list({ department })).data.map(({ id, role, isActive }) => ({ id, role, isActive }))
    await eventually(shown, (all) =>
      expect(all).toEqual([
        { id: gone.id, role: 'user', isActive: false },
        { id: manager.id, role: 'manager', isActive: true },
      ]),
    )
  })

  test('H-26 a department is found in whichever case it is written', async () => {
    const department = uniqueName('Élevage')
    const made = [await person({ department }), await person({ department: department.toUpperCase() })]
    for (const asked of [department, department.toLowerCase(), department.toUpperCase()]) {
      expect(idsOf(await list({ department: asked, sortOrder: 'asc' }))).toEqual(made.map(({ id }) => id))
    }
  })

  test('H-26 users are put in the order that is asked for', async () => {
    const department = uniqueName('department')
    const a = await person({ department, firstName: 'Anna', lastName: 'Zed' }, 'aaa')
    const b = await person({ department, firstName: 'Éric', lastName: 'Yao' }, 'bbb')
    const c = await person({ department, firstName: 'Fred', lastName: 'Xu' }, 'ccc')
    await users.put('/api/profile/me', { token: a.token, json: { phone: '2' } })
    const orders: [string, Person[]][] = [
      ['createdAt', [a, b, c]],
      ['updatedAt', [b, c, a]],
      ['email', [a, b, c]],
      ['firstName', [a, b, c]],
      ['lastName', [c, b, a]],
    ]
    for (const [sortBy, people] of orders) {
      const ids = people.map(({ id }) => id)
      expect(idsOf(await list({ department, sortBy, sortOrder: 'asc' })), sortBy).toEqual(ids)
      expect(idsOf(await list({ department, sortBy, sortOrder: 'desc' })), sortBy).toEqual(ids.reverse())
    }
  })

  test('H-26 H-53 a query that does not fit is 400 with the field', async () => {
    const cases: [Record<string, string>, string][] = [
      [{ page: '0' }, 'page'],
      [{ page: '1000001' }, 'page'],
      [{ page: 'x' }, 'page'],
      [{ limit: '0' }, 'limit'],
      [{ limit: '101' }, 'limit'],
      [{ limit: '1e9' }, 'limit'],
      [{ search: 'x'.repeat(101) }, 'search'],
      [{ search: '\u0000' }, 'search'],
      [{ department: 'x'.repeat(101) }, 'department'],
      [{ role: 'root' }, 'role'],
      [{ sortBy: 'password' }, 'sortBy'],
      [{ sortBy: 'created_at; --' }, 'sortBy'],
      [{ sortOrder: 'down' }, 'sortOrder'],
    ]
    for (const [query, field] of cases) expectInvalidQuery(await ask(admin, query), field)
  })
})

describe('one user', () => {
  test('H-26 an administrator reads somebody, who has not read the own profile yet', async () => {
    const made = await helpdesk.register()
    for (const id of [made.id, made.id.toUpperCase()]) {
      const answer = await users.get(`${path}/${id}`, { token: admin })
      expect(answer.status, answer.text).toBe(200)
      expect(answer.body).toEqual({ success: true, data: newProfileOf(made) })
    }
    expect(await users.profile(made)).toEqual(newProfileOf(made))
  })

  test('H-26 an administrator changes somebody, by the same rules', async () => {
    const made = await helpdesk.profiled()
    const json = { firstName: ' Ada ', department: '', bio: 'x', preferences: { notifications: { sms: true } } }
    const answer = await users.put<{ data: Profile }>(`${path}/${made.id}`, { token: admin, json })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      data: {
        ...newProfileOf(made),
        firstName: 'Ada',
        preferences: { ...newProfileOf(made).preferences, notifications: { email: true, browser: true, sms: true } },
        updatedAt: expect.stringMatching(time),
      },
      message: expect.stringMatching(/\S/),
    })
    expect(await users.profile(made)).toEqual(answer.body.data)
    expectInvalid(await users.put(`${path}/${made.id}`, { token: admin, json: {} }), '')
    expectInvalid(await users.put(`${path}/${made.id}`, { token: admin, json: { firstName: 'x' } }), 'firstName')
    const unknown = await users.put<{ data: Profile }>(`${path}/${made.id}`, { token: admin, json: { bio: 'x' } })
    expect(unknown.body.data).toEqual(answer.body.data)

    const events = await helpdesk.recordedOfProfile(made.id)
    expect(events.map(({ type }) => type)).toEqual(['profile.created', 'user.admin_updated'])
    expectUserEvent(events[1]!, 'user.admin_updated', made)
    const [activity] = await users.activities(made)
    expect(activity).toMatchObject({ activityType: 'profile_updated_by_admin', userId: made.id })
  })

  test('H-26 who is not there is 404, whatever the id looks like', async () => {
    for (const id of [nobody, 'not-a-uuid', '1', "'--", '%F0%9F%A6%8A', 'x'.repeat(200)]) {
      const at = `${path}/${id.startsWith('%') ? id : encodeURIComponent(id)}`
      const answers = [
        await users.get(at, { token: admin }),
        await users.put(at, { token: admin, json: { phone: '1' } }),
        await users.del(at, { token: admin }),
        await users.put(`${at}/role`, { token: admin, json: { role: 'agent' } }),
      ]
      for (const answer of answers) expectFailure(answer, 404, 'USER_NOT_FOUND')
    }
  })
})

test('H-26 everything is for administrators, and says nothing to others', async () => {
  const [made, other] = await Promise.all([helpdesk.register(), helpdesk.register()])
  const requests = [
    (token?: string) => ask(token),
    ...[other.id, made.id, nobody, 'not-a-uuid'].flatMap((id) => [
      (token?: string) => users.get(`${path}/${id}`, { token }),
      (token?: string) => users.put(`${path}/${id}`, { token, json: { phone: '1' } }),
      (token?: string) => users.put(`${path}/${id}`, { token, json: {} }),
      (token?: string) => users.del(`${path}/${id}`, { token }),
      (token?: string) => users.put(`${path}/${id}/role`, { token, json: { role: 'admin' } }),
    ]),
  ]
  const { accessToken: manager } = await helpdesk.grant(await helpdesk.register(), 'manager')
  const { accessToken: agent } = await helpdesk.grant(await helpdesk.register(), 'agent')
  for (const request of requests) {
    expectFailure(await request(), 401, 'MISSING_TOKEN')
    expectFailure(await request('x.y.z'), 401, 'INVALID_TOKEN')
    for (const token of [made.token, manager, agent]) expectFailure(await request(token), 403, 'FORBIDDEN')
  }
  expect(other.id).toMatch(uuid)
  expect(await users.profile(other)).toEqual(newProfileOf(other))
})

if (arrangement.name !== 'all')
  describe('at the paths of the reference', () => {
    test('H-26 users are listed, read and changed', async () => {
      const department = uniqueName('department')
      const made = await person({ department })
      const listed = await users.get<List>(`/api/v1/users?department=${department}`, { token: admin })
      expect(listed.body).toEqual((await ask(admin, { department })).body)
      expect(idsOf(listed.body)).toEqual([made.id])
      const read = await users.get(`/api/v1/users/${made.id}`, { token: admin })
      expect(read.body).toEqual({ success: true, data: await users.profile(made) })
      const changed = await users.put(`/api/v1/users/${made.id}`, { token: admin, json: { phone: '22' } })
      expect(changed.body).toMatchObject({ success: true, data: { phone: '22' } })
      expectFailure(await users.get('/api/v1/users', { token: made.token }), 403, 'FORBIDDEN')
      expectFailure(await users.get(`/api/v1/users/${nobody}`, { token: admin }), 404, 'USER_NOT_FOUND')
    })

    test('H-26 a literal path is no id', async () => {
      const { token } = await helpdesk.register()
      for (const literal of ['profile', 'activities']) {
        expect((await users.get(`/api/v1/users/${literal}`, { token })).status, literal).toBe(200)
      }
      expectFailure(await users.get('/api/v1/users/stats', { token }), 403, 'FORBIDDEN')
      expect((await users.get('/api/v1/users/stats', { token: admin })).status).toBe(200)
    })
  })
