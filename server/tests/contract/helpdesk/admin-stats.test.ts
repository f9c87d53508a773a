import { beforeAll, describe, expect, inject, test } from 'vitest'
import { uniqueName } from '../../support/unique-name.ts'
import { expectFailure, helpdeskClient } from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk

interface Statistics {
  total_users: number
  new_users_30d: number
  new_users_7d: number
  departments_count: number
  departments_breakdown: { department: string; count: number }[]
  activityTypes: { activity_type: string; count: number }[]
}

let admin: string
beforeAll(async () => {
  admin = await helpdesk.admin()
})

async function statistics(path = '/api/admin/stats'): Promise<Statistics> {
  const answer = await users.get<{ data: Statistics }>(path, { token: admin })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({
    success: true,
    data: {
      total_users: expect.any(Number),
      new_users_30d: expect.any(Number),
      new_users_7d: expect.any(Number),
      departments_count: expect.any(Number),
      departments_breakdown: expect.any(Array),
      activityTypes: expect.any(Array),
    },
  })
  return answer.body.data
}

const countOf = ({ activityTypes }: Statistics, type: string): number =>
  activityTypes.find(({ activity_type }) => activity_type === type)?.count ?? 0

/** Registers so many people of a department, so that it is among the largest. */
async function staff(department: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const { token } = await helpdesk.register()
    const answer = await users.put('/api/profile/me', { token, json: { department } })
    expect(answer.status, answer.text).toBe(200)
  }
}

test('H-27 statistics count users, departments and activities, in numbers', async () => {
  const department = uniqueName('department')
  const before = await statistics()
  await staff(department, 3)
  const after = await statistics()
  // Other files of tests register too, at the same time.
  for (const count of ['total_users', 'new_users_30d', 'new_users_7d'] as const) {
    expect(after[count], count).toBeGreaterThanOrEqual(before[count] + 3)
  }
  expect(after.total_users).toBeGreaterThanOrEqual(after.new_users_30d)
  expect(after.new_users_30d).toBeGreaterThanOrEqual(after.new_users_7d)
  expect(after.departments_breakdown).toContainEqual({ department, count: 3 })
  expect(after.departments_count).toBeGreaterThanOrEqual(after.departments_breakdown.length)
  const counts = after.departments_breakdown.map(({ count }) => count)
  expect(counts).toEqual([...counts].sort((a, b) => b - a))
  for (const type of ['profile_created', 'profile_updated']) {
    expect(countOf(after, type), type).toBeGreaterThanOrEqual(countOf(before, type) + 3)
  }
  for (const activityType of after.activityTypes) {
    expect(activityType).toEqual({ activity_type: expect.any(String), count: expect.any(Number) })
  }
})

test('H-27 a department counts once, as it was first written', async () => {
  const department = uniqueName('Département')
  await staff(department, 2)
  await staff(department.toUpperCase(), 2)
  await staff(department.toLowerCase(), 1)
  const { departments_breakdown } = await statistics()
  const same = departments_breakdown.filter((one) => one.department.toLowerCase() === department.toLowerCase())
  expect(same).toEqual([{ department, count: 5 }])
})

test('H-27 statistics are for administrators', async () => {
  const { token } = await helpdesk.register()
  expectFailure(await users.get('/api/admin/stats'), 401, 'MISSING_TOKEN')
  expectFailure(await users.get('/api/admin/stats', { token: 'x.y.z' }), 401, 'INVALID_TOKEN')
  expectFailure(await users.get('/api/admin/stats', { token }), 403, 'FORBIDDEN')
})

if (arrangement.name !== 'all')
  describe('at the path of the reference', () => {
    test('H-27 statistics are read', async () => {
      const { total_users } = await statistics('/api/v1/users/stats')
      expect(total_users).toBeGreaterThan(0)
      expectFailure(await users.get('/api/v1/users/stats'), 401, 'MISSING_TOKEN')
    })
  })
