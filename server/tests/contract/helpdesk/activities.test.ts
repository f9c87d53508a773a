import { describe, expect, inject, test } from 'vitest'
import { type Activity, expectFailure, expectInvalidQuery, helpdeskClient, type Person, time } from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk

interface Page {
  data: Activity[]
  pagination: { page: number; limit: number; total: number; pages: number }
}
const path = '/api/profile/activities'
const ask = (token: string | undefined, query = '') => users.get<Page>(`${path}${query}`, { token })

async function list({ token }: Person, query = ''): Promise<Page> {
  const answer = await ask(token, query)
  expect(answer.status, answer.text).toBe(200)
  const { data, pagination } = answer.body
  expect(answer.body).toEqual({ success: true, data, pagination })
  return { data, pagination }
}

/** Somebody whose profile was made and then changed so many times. */
async function active(changes: number): Promise<Person> {
  const person = await helpdesk.register()
  await users.profile(person)
  for (let index = 1; index <= changes; index += 1) {
    const answer = await users.put('/api/profile/me', { token: person.token, json: { phone: String(index) } })
    expect(answer.status, answer.text).toBe(200)
  }
  return person
}

test('H-23 activities tell what happened to the profile, newest first', async () => {
  const person = await active(1)
  const agent = 'a browser of the tests'
  await users.put('/api/profile/me', {
    token: person.token,
    json: { firstName: 'Ada' },
    headers: { 'user-agent': agent },
  })
  const { data, pagination } = await list(person)
  expect(pagination).toEqual({ page: 1, limit: 20, total: 3, pages: 1 })
  expect(data.map(({ activityType }) => activityType)).toEqual([
    'profile_updated',
    'profile_updated',
    'profile_created',
  ])
  for (const activity of data) {
    expect(activity).toEqual({
      id: expect.any(Number),
      userId: person.id,
      activityType: activity.activityType,
      activityData: expect.any(Object),
      ipAddress: activity.ipAddress,
      userAgent: activity.userAgent,
      createdAt: expect.stringMatching(time),
    })
  }
  expect(data[0]).toMatchObject({ userAgent: agent, ipAddress: expect.stringMatching(/^[0-9a-f.:]+$/) })
  const ids = data.map(({ id }) => id)
  expect(ids).toEqual([...ids].sort((a, b) => b - a))
})

test('H-23 activities come in pages, and by type', async () => {
  const person = await active(4)
  const all = (await list(person)).data
  const second = await list(person, '?page=2&limit=2')
  expect(second).toEqual({ data: all.slice(2, 4), pagination: { page: 2, limit: 2, total: 5, pages: 3 } })
  const beyond = await list(person, '?page=1000000&limit=100')
  expect(beyond).toEqual({ data: [], pagination: { page: 1_000_000, limit: 100, total: 5, pages: 1 } })
  const updates = await list(person, '?type=profile_updated&limit=3')
  expect(updates).toEqual({ data: all.slice(0, 3), pagination: { page: 1, limit: 3, total: 4, pages: 2 } })
  expect((await list(person, '?type=unheard_of')).data).toEqual([])
  // What forms send that nobody filled in.
  expect((await list(person, '?type=&startDate=&endDate=')).data).toEqual(all)
})

test('H-23 activities are found by date; an end that is a day is meant as a whole', async () => {
  const person = await active(1)
  const { data } = await list(person)
  const [newest, oldest] = [data[0]!.createdAt, data[1]!.createdAt]
  const days = [oldest.slice(0, 10), newest.slice(0, 10)]
  expect((await list(person, `?startDate=${days[0]}&endDate=${days[1]}`)).data).toEqual(data)
  expect((await list(person, '?endDate=2020-01-01')).data).toEqual([])
  expect((await list(person, '?startDate=2999-01-01')).data).toEqual([])
  const anHour = 3_600_000
  const around = new URLSearchParams({
    startDate: new Date(Date.parse(oldest) - anHour).toISOString(),
    endDate: new Date(Date.parse(newest) + anHour).toISOString(),
  })
  expect((await list(person, `?${around}`)).data).toEqual(data)
  const before = new URLSearchParams({ endDate: new Date(Date.parse(oldest) - anHour).toISOString() })
  expect((await list(person, `?${before}`)).data).toEqual([])
})

test('H-23 nobody sees the activities of others', async () => {
  const [one, other] = await Promise.all([active(1), active(2)])
  for (const person of [one, other]) {
    const { data } = await list(person)
    expect(new Set(data.map(({ userId }) => userId))).toEqual(new Set([person.id]))
  }
})

test('H-23 what a form leaves empty is as good as absent', async () => {
  const { token } = await helpdesk.profiled()
  const answer = await ask(token, '?page=&limit=&type=&startDate=&endDate=')
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toMatchObject({ pagination: { page: 1, limit: 20 } })
})

test('H-53 a query that does not fit is 400 with the field', async () => {
  const { token } = await helpdesk.register()
  const cases: [string, string][] = [
    ['page=0', 'page'],
    ['page=-1', 'page'],
    ['page=x', 'page'],
    ['page=1.5', 'page'],
    ['page=1000001', 'page'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['type=%00', 'type'],
    [`type=${'x'.repeat(65)}`, 'type'],
    ['startDate=yesterday', 'startDate'],
    ['startDate=21/11/2026', 'startDate'],
    ['startDate=2026-02-30', 'startDate'],
    ['endDate=2026-13-01', 'endDate'],
    ['endDate=2026-11-21T25:00:00Z', 'endDate'],
    ['endDate=1', 'endDate'],
  ]
  for (const [query, field] of cases) expectInvalidQuery(await ask(token, `?${query}`), field)
})

test('H-23 activities are for whoever is signed in', async () => {
  expectFailure(await ask(undefined), 401, 'MISSING_TOKEN')
  expectFailure(await ask('x.y.z'), 401, 'INVALID_TOKEN')
})

if (arrangement.name !== 'all')
  describe('at the path of the reference', () => {
    test('H-23 activities are read', async () => {
      const person = await active(1)
      const { data, pagination } = await list(person)
      const answer = await users.get('/api/v1/users/activities', { token: person.token })
      expect(answer.body).toEqual({ success: true, data, pagination })
      expectInvalidQuery(await users.get('/api/v1/users/activities?page=0', { token: person.token }), 'page')
    })
  })
