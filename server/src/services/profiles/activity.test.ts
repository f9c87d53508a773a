import { describe, expect, test } from 'vitest'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { type Statement, sql } from '../../platform/db/database.ts'
import { pruneDepartments } from './store/pruning.ts'

const service = profilesService('activities')
const context = contextIn()
const db = () => service.database

/** A statement whose text is made here, as a table's name is. */
const written = (text: string): Statement<unknown> => ({ name: '', text, values: [] })
const thisMonth = () => `activities_${new Date().toISOString().slice(0, 7).replace('-', '_')}`

const log = (accountId: string, type: string, daysAgo: number, tenant = 'main') =>
  db().run(sql`
    INSERT INTO activities (account_id, realm, tenant, type, created_at)
    VALUES (${accountId}, 'test', ${tenant}, ${type}, now() - make_interval(secs => ${daysAgo * 86_400}))`)

describe('the log', () => {
  test('is read newest first, by page, type and time', async () => {
    const { id } = await service.person()
    for (const phone of ['1', '2', '3']) await service.profiles.change(id, { phone }, context)
    const read = (by: object = {}) =>
      service.profiles.activities({ accountId: id, realm: 'test', limit: 10, offset: 0, ...by })
    const all = await read()
    expect(all.total).toBe(4)
    expect(all.activities.map(({ type }) => type)).toEqual([...Array(3).fill('profile_updated'), 'profile_created'])
    expect(all.activities[0]).toEqual({
      id: expect.any(Number),
      accountId: id,
      type: 'profile_updated',
      data: { fields: ['phone'] },
      ip: '192.0.2.1',
      userAgent: 'tests',
      createdAt: expect.any(Date),
    })
    expect(await read({ limit: 2, offset: 1 })).toEqual({ total: 4, activities: all.activities.slice(1, 3) })
    expect(await read({ offset: 4 })).toEqual({ total: 4, activities: [] })
    expect(await read({ type: 'profile_created' })).toEqual({ total: 1, activities: all.activities.slice(3) })
    expect((await read({ type: 'avatar_uploaded' })).total).toBe(0)
    const future = new Date(Date.now() + 60_000)
    expect((await read({ from: future })).total).toBe(0)
    expect((await read({ to: future })).total).toBe(4)
    expect((await read({ from: all.activities[1]!.createdAt, type: 'profile_updated' })).total).toBeGreaterThanOrEqual(
      1,
    )
  })

  test.each([
    ['changed', (id: string) => sql`UPDATE activities SET type = 'nothing' WHERE account_id = ${id}`],
    [
      'emptied',
      (id: string) => sql`UPDATE activities SET ip = NULL, user_agent = NULL, data = '{}' WHERE account_id = ${id}`,
    ],
    ['deleted', (id: string) => sql`DELETE FROM activities WHERE account_id = ${id}`],
    ['deleted by its partition', (id: string) => written(`DELETE FROM ${thisMonth()} WHERE account_id = '${id}'`)],
    ['truncated', () => written('TRUNCATE activities')],
  ])('of somebody who is still there cannot be %s', async (_how, attempt) => {
    const { id } = await service.person()
    await expect(db().run(attempt(id))).rejects.toThrow('append-only')
    expect(await service.logged(id)).toHaveLength(1)
  })

  test('of somebody who was removed cannot be anything but emptied', async () => {
    const { id } = await service.person()
    await service.profiles.remove(id, context)
    for (const attempt of [
      sql`UPDATE activities SET type = 'nothing' WHERE account_id = ${id}`,
      sql`UPDATE activities SET created_at = created_at - interval '1 second' WHERE account_id = ${id}`,
      sql`UPDATE activities SET data = '{"a": 1}' WHERE account_id = ${id}`,
      sql`DELETE FROM activities WHERE account_id = ${id}`,
    ]) {
      await expect(db().run(attempt)).rejects.toThrow('append-only')
    }
  })

  test('has a partition for this month and the two after it', async () => {
    await service.person()
    const { rows } = await db().one(sql<{ rows: number }>`SELECT count(*) AS rows FROM ONLY activities_default`)
    expect(rows).toBe(0)
    const partitions = await db().many(sql`SELECT FROM pg_inherits WHERE inhparent = 'activities'::regclass`)
    expect(partitions).toHaveLength(4)
    await db().run(sql`SELECT keep_activity_partitions()`)
    expect(await db().many(sql`SELECT FROM pg_inherits WHERE inhparent = 'activities'::regclass`)).toHaveLength(4)
  })
})

describe('statistics', () => {
  test('are those of the realm, where members of two count in each', async () => {
    const tenant = 'two realms'
    const [here, there] = [contextIn('test', { tenant }), contextIn('there', { tenant })]
    const { id } = await service.person({ tenant, memberships: [memberOf('test'), memberOf('there')] })
    await service.person({ tenant })
    await service.profiles.change(id, { department: 'There' }, there)
    const created = { type: 'profile_created', count: 1 }
    const one = { total: 1, newIn30Days: 1, newIn7Days: 1, departments: [{ department: 'There', count: 1 }] }
    expect(await service.profiles.statistics(there)).toEqual({
      ...one,
      activityTypes: [created, { type: 'profile_updated', count: 1 }],
    })
    const two = { total: 2, newIn30Days: 2, newIn7Days: 2, departments: [] }
    expect(await service.profiles.statistics(here)).toEqual({ ...two, activityTypes: [{ ...created, count: 2 }] })
    await service.profiles.remove(id, here)
    expect(await service.profiles.statistics(here)).toMatchObject({ total: 1, newIn30Days: 1, newIn7Days: 1 })
    expect(await service.profiles.statistics(there)).toMatchObject(one)
  })

  test('are those of the tenant', async () => {
    const tenant = 'figures'
    const who = contextIn('test', { tenant })
    const none = { total: 0, newIn30Days: 0, newIn7Days: 0, departments: [], activityTypes: [] }
    expect(await service.profiles.statistics(who)).toEqual(none)
    const people = await Promise.all(Array.from({ length: 6 }, () => service.person({ tenant })))
    for (const [index, { id }] of people.entries()) {
      const department = ['Sales', 'Sales', 'Sales', 'R&D = "x"', null, 'Gone'][index] ?? null
      await service.profiles.change(id, { department }, who)
      await db().run(sql`
        UPDATE profiles SET created_at = now() - make_interval(days => ${[0, 6, 8, 29, 31, 400][index]}) WHERE account_id = ${id}`)
    }
    await service.profiles.change(people[5]!.id, { department: 'R&D = "x"' }, who)
    await service.profiles.change(people[4]!.id, { department: 'Sales' }, who)
    await service.profiles.remove(people[4]!.id, who)
    expect(await service.profiles.statistics(who)).toEqual({
      total: 5,
      newIn30Days: 4,
      newIn7Days: 2,
      departments: [
        { department: 'Sales', count: 3 },
        { department: 'R&D = "x"', count: 2 },
      ],
      activityTypes: [
        { type: 'profile_updated', count: 8 },
        { type: 'profile_created', count: 6 },
      ],
    })
  })

  test('count what was done in the last 30 days to the second', async () => {
    const tenant = 'exact'
    const { id } = await service.person({ tenant: 'elsewhere' })
    for (const daysAgo of [0, 1, 15, 28.9, 29.1, 29.5, 29.9, 29.999, 30.001, 30.1, 30.5, 31, 45])
      await log(id, 'visited', daysAgo, tenant)
    const { activityTypes } = await service.profiles.statistics(contextIn('test', { tenant }))
    expect(activityTypes).toEqual([{ type: 'visited', count: 8 }])
  })

  test('count a department once, however its letters are written, and show it as it was first', async () => {
    const tenant = 'spelled'
    const who = contextIn('test', { tenant })
    const people = await Promise.all(Array.from({ length: 4 }, () => service.person({ tenant })))
    for (const [index, department] of ['Télé-Vente', 'TÉLÉ-VENTE', 'télé-vente', 'Sales'].entries()) {
      await service.profiles.change(people[index]!.id, { department }, who)
    }
    const departmentsOf = async () => (await service.profiles.statistics(who)).departments
    expect(await departmentsOf()).toEqual([
      { department: 'Télé-Vente', count: 3 },
      { department: 'Sales', count: 1 },
    ])
    // When nobody is left it begins anew.
    for (const { id } of people) await service.profiles.change(id, { department: null }, who)
    await service.database.run(pruneDepartments())
    await service.profiles.change(people[0]!.id, { department: 'SALES' }, who)
    expect(await departmentsOf()).toEqual([{ department: 'SALES', count: 1 }])
  })

  test('name at most a hundred departments, the largest first', async () => {
    const tenant = 'many'
    const who = contextIn('test', { tenant })
    await db().run(sql`
      INSERT INTO profiles (account_id, realm, number, tenant, username, department, search, indexed)
      SELECT gen_random_uuid(), 'test', 1000000 + n, ${tenant}, 'many' || n, 'D' || least(n, 150),
             array_to_tsvector(ARRAY['=tenant ' || ${tenant}, '=department d' || least(n, 150)]), true
        FROM generate_series(1, 160) n`)
    const { departments, total } = await service.profiles.statistics(who)
    expect(total).toBe(160)
    expect(departments).toHaveLength(100)
    expect(departments[0]).toEqual({ department: 'D150', count: 11 })
  })
})
