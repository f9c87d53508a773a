import { describe, expect, test } from 'vitest'
import { identityService, testContext } from '../../../../tests/support/identity-service.ts'
import { type Statement, sql } from '../../../platform/db/database.ts'

const service = identityService('activities')
const db = () => service.database

/** A statement whose text is made here, as a table's name is. */
const written = <Row = never>(text: string): Statement<Row> => ({ name: '', text, values: [] })

let people = 0
async function accountWithLog(): Promise<string> {
  people += 1
  const username = `person${people}`
  return (await service.identity.createAccount({ username }, testContext)).account.id
}
const partitions = async (): Promise<string[]> =>
  (
    await db().many(sql<{ name: string }>`
      SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'activities'::regclass ORDER BY 1`)
  ).map(({ name }) => name)
/** The first of the month that is `months` from now, in UTC. */
const monthFrom = (months: number): Date => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1))
}
const nameOf = (month: Date) => `activities_${month.toISOString().slice(0, 7).replace('-', '_')}`
const makePartition = (month: Date, next: Date) =>
  db().run(
    written(`CREATE TABLE ${nameOf(month)} PARTITION OF activities
              FOR VALUES FROM ('${month.toISOString()}') TO ('${next.toISOString()}')`),
  )

describe('the activity log', () => {
  test.each([
    ['changed', (id: string) => sql`UPDATE activities SET action = 'nothing' WHERE account_id = ${id}`],
    ['deleted', (id: string) => sql`DELETE FROM activities WHERE account_id = ${id}`],
    [
      'changed by its partition',
      (id: string) => written(`UPDATE ${nameOf(monthFrom(0))} SET action = 'nothing' WHERE account_id = '${id}'`),
    ],
    [
      'deleted by its partition',
      (id: string) => written(`DELETE FROM ${nameOf(monthFrom(0))} WHERE account_id = '${id}'`),
    ],
  ])('cannot be %s', async (_how, attempt) => {
    const id = await accountWithLog()
    await expect(db().run(attempt(id))).rejects.toThrow('append-only')
    const { left } = await db().one(
      sql<{ left: number }>`SELECT count(*) AS left FROM activities WHERE account_id = ${id} AND action = 'register'`,
    )
    expect(left).toBe(1)
  })

  test('outlives the account', async () => {
    const id = await accountWithLog()
    await service.identity.removeMember(id, testContext)
    const { left } = await db().one(
      sql<{ left: number }>`SELECT count(*) AS left FROM activities WHERE account_id = ${id}`,
    )
    expect(left).toBe(1)
  })

  test('is read newest first, by page and by action', async () => {
    const id = await accountWithLog()
    for (const name of ['one', 'two', 'three'])
      await service.identity.accounts.changePerson(id, { displayName: name }, testContext)
    const read = (by: { action?: string; limit: number; offset: number }) =>
      service.identity.accounts.activities({ accountId: id, ...by })
    const all = await read({ limit: 10, offset: 0 })
    expect(all.map(({ action }) => action)).toEqual(['update_profile', 'update_profile', 'update_profile', 'register'])
    expect(all[0]).toMatchObject({ accountId: id, details: { fields: ['displayName'] }, ip: '127.0.0.1' })
    expect((await read({ limit: 2, offset: 1 })).map((one) => one.id)).toEqual([all[1]?.id, all[2]?.id])
    expect((await read({ action: 'register', limit: 10, offset: 0 })).map((one) => one.id)).toEqual([all[3]?.id])
    expect(await read({ action: 'login', limit: 10, offset: 0 })).toEqual([])
  })
})

describe('its partitions', () => {
  test('are there for this month and the two after it, and rows go into them', async () => {
    expect(await partitions()).toEqual(
      ['activities_default', ...[0, 1, 2].map((ahead) => nameOf(monthFrom(ahead)))].sort(),
    )
    const id = await accountWithLog()
    const { partition } = await db().one(sql<{ partition: string }>`
      SELECT tableoid::regclass::text AS partition FROM activities WHERE account_id = ${id}`)
    expect(partition).toBe(nameOf(monthFrom(0)))
  })

  test('are kept as they are by the job when nothing is due, also by several at once', async () => {
    const before = await partitions()
    await Promise.all(Array.from({ length: 4 }, () => db().run(sql`SELECT keep_activity_partitions()`)))
    expect(await partitions()).toEqual(before)
  })

  test('are made anew, and dropped once all they hold is 400 days old', async () => {
    const before = await partitions()
    const id = await accountWithLog()
    const past = [-16, -15, -14, -13, -12]
    for (const months of past) {
      const month = monthFrom(months)
      await makePartition(month, monthFrom(months + 1))
      await db().run(sql`
        INSERT INTO activities (account_id, tenant_id, contract, action, created_at)
        SELECT id, tenant_id, 'test', 'long_ago', ${month}::timestamptz + interval '1 day' FROM accounts WHERE id = ${id}`)
    }
    await db().run(written(`DROP TABLE ${nameOf(monthFrom(2))}`))

    await db().run(sql`SELECT keep_activity_partitions()`)
    const oldest = Date.now() - 400 * 24 * 3600 * 1000
    const kept = past.filter((months) => monthFrom(months + 1).getTime() >= oldest)
    expect(kept).toContain(-12)
    expect(kept).not.toContain(-15)
    expect(await partitions()).toEqual([...before, ...kept.map((months) => nameOf(monthFrom(months)))].sort())
    const { left } = await db().one(sql<{ left: number }>`
      SELECT count(*) AS left FROM activities WHERE account_id = ${id} AND action = 'long_ago'`)
    expect(left).toBe(kept.length)
  })

  test('do not fail for a month whose first rows came before its partition', async () => {
    const id = await accountWithLog()
    await db().run(written(`DROP TABLE ${nameOf(monthFrom(2))}`))
    await db().run(sql`
      INSERT INTO activities (account_id, tenant_id, contract, action, created_at)
      SELECT id, tenant_id, 'test', 'early', ${monthFrom(2)}::timestamptz + interval '1 day' FROM accounts WHERE id = ${id}`)
    await db().run(sql`SELECT keep_activity_partitions()`)
    const { partition } = await db().one(sql<{ partition: string }>`
      SELECT tableoid::regclass::text AS partition FROM activities WHERE account_id = ${id} AND action = 'early'`)
    expect(partition).toBe('activities_default')
  })
})
