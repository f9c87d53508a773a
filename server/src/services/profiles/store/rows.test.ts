import { describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../../tests/support/test-databases.ts'
import { type Queryable, sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import { isShown, lockOrphans } from '../avatars/store.ts'
import { departmentFacets } from '../search/facets.ts'
import { countRecentActivities, listActivities } from './activities.ts'
import { intendRemoval, removeProfile } from './removals.ts'
import { countDepartments, countNew, totalsOf } from './totals.ts'

const fresh = freshDatabase('profiles store', { service: 'profiles' })
const db = () => fresh.database

let numbers = 0
const person = async (by: { tenant?: string; created?: string; avatarKey?: string } = {}): Promise<string> => {
  const id = newId()
  numbers += 1
  await db().run(sql`
    INSERT INTO profiles (account_id, number, username, tenant, avatar_key, created_at)
    VALUES (${id}, ${numbers}, ${id}, ${by.tenant ?? 'main'}, ${by.avatarKey ?? null}, now() + ${by.created ?? '0'}::interval)`)
  return id
}
const log = (tx: Queryable, accountId: string, type: string, at: string, tenant = 'main') =>
  tx.run(sql`
    INSERT INTO activities (account_id, tenant, type, data, ip, created_at)
    VALUES (${accountId}, ${tenant}, ${type}, '{"a": 1}', '192.0.2.1', date_trunc('milliseconds', now()) + ${at}::interval)`)

test('a log is of its account, of its type, and from its first moment to its last', async () => {
  const [accountId, other] = [newId(), newId()]
  // Within one transaction the time stands still; whole milliseconds, which a Date can name, so that moments are met exactly.
  const read = await db().transaction(async (tx) => {
    for (const at of ['-3 seconds', '-2 seconds', '-1 second']) await log(tx, accountId, 'seen', at)
    await log(tx, accountId, 'left', '-2 seconds')
    await log(tx, other, 'seen', '-2 seconds')
    const { now } = await tx.one(sql<{ now: Date }>`SELECT date_trunc('milliseconds', now()) AS now`)
    const list = async (by: { type?: string; from?: Date; to?: Date }) => {
      const { total, activities } = await listActivities(tx, { accountId, limit: 10, offset: 0, ...by })
      expect(activities).toHaveLength(total)
      return total
    }
    const moment = (ms: number) => new Date(now.getTime() + ms)
    return {
      all: await list({}),
      seen: await list({ type: 'seen' }),
      from: await list({ from: moment(-2_000) }),
      after: await list({ from: moment(-1_999) }),
      to: await list({ to: moment(-2_000) }),
      before: await list({ to: moment(-2_001) }),
      between: await list({ from: moment(-2_000), to: moment(-2_000), type: 'seen' }),
    }
  })
  expect(read).toEqual({ all: 4, seen: 3, from: 3, after: 1, to: 3, before: 1, between: 1 })
})

test('what was done lately is what was done in the tenant', async () => {
  const tenants = [newId(), newId()]
  for (const [index, tenant] of tenants.entries())
    for (const at of ['-1 minute', '-29 days -23 hours -59 minutes', '-30 days -1 minute'])
      await log(db(), newId(), `type ${index}`, at, tenant)
  expect(await countRecentActivities(db(), tenants[0] ?? '')).toEqual([{ type: 'type 0', count: 2 }])
})

test('who is new came to the tenant within 30 days, or 7', async () => {
  const [tenant, other] = [newId(), newId()]
  for (const created of ['0', '-6 days -23 hours', '-7 days', '-29 days -23 hours', '-30 days'])
    await person({ tenant, created })
  await person({ tenant: other })
  expect(await countNew(db(), tenant)).toEqual({ newIn30Days: 4, newIn7Days: 2 })
})

test('terms and departments are counted in the tenant, over all slots', async () => {
  const [tenant, other] = [newId(), newId()]
  await db().run(sql`
    INSERT INTO totals (tenant, term, slot, profiles)
    VALUES (${tenant}, 'ada', 0, 2), (${tenant}, 'ada', 1, 1), (${tenant}, 'eve', 0, 1), (${other}, 'ada', 0, 7),
           (${tenant}, ${`${departmentFacets}tea`}, 0, 1), (${tenant}, ${`${departmentFacets}tea`}, 1, 1), (${tenant}, ${`${departmentFacets}salt`}, 0, 1),
           (${tenant}, ${`${departmentFacets}gone`}, 0, 0), (${other}, ${`${departmentFacets}elsewhere`}, 0, 1)`)
  const count = await totalsOf(db(), tenant, ['ada', 'nobody'])
  expect(['ada', 'eve', 'nobody'].map(count)).toEqual([3, 0, 0])
  expect(await countDepartments(db(), tenant, 10)).toEqual([
    { department: 'tea', count: 2 },
    { department: 'salt', count: 1 },
  ])
})

describe('a removal', () => {
  test('is of one profile, tells what was intended of it, and empties its log alone', async () => {
    const [gone, silent, other] = [await person({ avatarKey: 'a' }), await person(), await person({ avatarKey: 'b' })]
    for (const id of [gone, silent, other]) await log(db(), id, 'seen', '0')
    const event = { id: newId(), type: 'test.removed', data: {} }
    await intendRemoval(db(), gone, event as Parameters<typeof intendRemoval>[2])
    expect(await db().transaction((tx) => removeProfile(tx, gone))).toEqual({ emitted: true, avatarKey: 'a' })
    expect(await db().transaction((tx) => removeProfile(tx, silent))).toEqual({ emitted: false, avatarKey: null })
    const told = await db().many(sql`SELECT aggregate_id AS id FROM outbox_events`)
    expect(told).toEqual([{ id: gone }])
    const left = await db().many(
      sql`SELECT account_id AS id FROM profiles WHERE account_id IN (${gone}, ${silent}, ${other})`,
    )
    expect(left).toEqual([{ id: other }])
    const telling = await db().many(sql`
      SELECT account_id AS id FROM activities WHERE account_id IN (${gone}, ${silent}, ${other}) AND ip IS NOT NULL`)
    expect(telling).toEqual([{ id: other }])
    const erased = await db().many(sql`SELECT account_id AS id FROM removed_profiles WHERE erased ORDER BY account_id`)
    expect(erased).toEqual([{ id: gone }, { id: silent }])
  })
})

describe('a file is nobody’s', () => {
  const file = async (key: string, accountId: string, age: string) =>
    void (await db().run(
      sql`INSERT INTO avatar_files (key, account_id, created_at) VALUES (${key}, ${accountId}, now() + ${age}::interval)`,
    ))

  test.each<[string, { shown?: 'own' | 'other'; removed?: boolean; age: string }, boolean]>([
    ['a day after nobody named it', { age: '-1 day -1 minute' }, true],
    ['not within a day', { age: '-23 hours -59 minutes' }, false],
    ['five minutes after its person was removed', { removed: true, age: '-5 minutes -1 second' }, true],
    ['not within five minutes', { removed: true, age: '-4 minutes -30 seconds' }, false],
    ['not while its profile names it', { shown: 'own', age: '-400 days' }, false],
    ['though a profile names another of the same person', { shown: 'other', age: '-400 days' }, true],
  ])('%s', async (_what, { shown, removed, age }, orphaned) => {
    const key = newId()
    const named = shown === 'own' ? key : newId()
    const accountId = removed ? newId() : await person(shown ? { avatarKey: named } : {})
    if (removed) await db().run(sql`INSERT INTO removed_profiles (account_id) VALUES (${accountId})`)
    await db().run(sql`INSERT INTO removed_profiles (account_id) VALUES (${newId()})`)
    await file(key, accountId, age)
    // Of somebody else, who is shown under the same key: no reason to keep it.
    if (orphaned) await person({ avatarKey: key })
    const orphans = await db().transaction((tx) => lockOrphans(tx, 100))
    expect(orphans.some((one) => one.key === key)).toBe(orphaned)
    expect(await isShown(db(), key)).toBe(shown === 'own')
    await db().run(sql`DELETE FROM avatar_files`)
  })
})
