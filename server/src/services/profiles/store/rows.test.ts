import { describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../../tests/support/test-databases.ts'
import { type Queryable, sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import { isShown, lockOrphans } from '../avatars/store.ts'
import { departmentFacets } from '../search/facets.ts'
import { countRecentActivities, listActivities } from './activities.ts'
import {
  accountOfNumber,
  countFound,
  findProfiles,
  listByNumber,
  pageByGathering,
  pageByWalking,
  pageOfAll,
} from './pages.ts'
import { findElsewhere, findProfile, lockProfile, sizeOfPreferences } from './profiles.ts'
import { intendRemoval, removeAccount, removeProfile } from './removals.ts'
import { countDepartments, countNew, totalsOf } from './totals.ts'
import { withoutRealm } from './unfinished.ts'

const fresh = freshDatabase('profiles store', { service: 'profiles' })
const db = () => fresh.database

const realm = 'test'
let numbers = 0
interface About {
  realm?: string
  tenant?: string
  created?: string
  updated?: string
  since?: string
  avatarKey?: string
  preferences?: object
}
/** A profile; with `of`, one more of that account. */
const person = async (by: About = {}, of?: { id: string; number: number }): Promise<string> => {
  numbers += 1
  const { id, number } = of ?? { id: newId(), number: numbers }
  await db().run(sql`
    INSERT INTO profiles (account_id, realm, number, username, tenant, avatar_key, preferences, created_at, updated_at, member_since)
    VALUES (${id}, ${by.realm ?? realm}, ${number}, ${by.realm ?? realm}, ${by.tenant ?? 'main'}, ${by.avatarKey ?? null},
            ${JSON.stringify(by.preferences ?? {})}::jsonb, now() + ${by.created ?? '0'}::interval, now() + ${by.updated ?? null}::interval,
            now() + ${by.since ?? '0'}::interval)`)
  return id
}
/** An account with a profile in each of these realms. */
const everywhere = async (realms: readonly string[], by: About = {}) => {
  const of = { id: newId(), number: 1_000_000 + numbers }
  for (const one of realms) await person({ ...by, realm: one }, of)
  return of
}
const log = (tx: Queryable, accountId: string, type: string, at: string, tenant = 'main', of: string | null = realm) =>
  tx.run(sql`
    INSERT INTO activities (account_id, realm, tenant, type, data, ip, created_at)
    VALUES (${accountId}, ${of}, ${tenant}, ${type}, '{"a": 1}', '192.0.2.1', date_trunc('milliseconds', now()) + ${at}::interval)`)

test('a log is of its account, of its type, and from its first moment to its last', async () => {
  const [accountId, other] = [newId(), newId()]
  // Within one transaction the time stands still; whole milliseconds, which a Date can name, so that moments are met exactly.
  const read = await db().transaction(async (tx) => {
    for (const at of ['-3 seconds', '-2 seconds', '-1 second']) await log(tx, accountId, 'seen', at)
    await log(tx, accountId, 'left', '-2 seconds')
    await log(tx, other, 'seen', '-2 seconds')
    const { now } = await tx.one(sql<{ now: Date }>`SELECT date_trunc('milliseconds', now()) AS now`)
    const list = async (by: { type?: string; from?: Date; to?: Date }) => {
      const { total, activities } = await listActivities(tx, { accountId, realm, limit: 10, offset: 0, ...by })
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

test('a log is of its realm; what is from before realms is in that of each', async () => {
  const accountId = newId()
  for (const [type, of] of [
    ['here', 'test'],
    ['there', 'other'],
    ['before', null],
  ] as const)
    await log(db(), accountId, type, '0', 'main', of)
  const listed = async (of: string) => {
    const { total, activities } = await listActivities(db(), { accountId, realm: of, limit: 10, offset: 0 })
    return [total, activities.map(({ type }) => type).toSorted()]
  }
  expect(await listed('test')).toEqual([2, ['before', 'here']])
  expect(await listed('other')).toEqual([2, ['before', 'there']])
  expect(await listed('nowhere')).toEqual([1, ['before']])
})

test('what was done lately is what was done in the realm and its tenant', async () => {
  const scopes = [
    ['test', newId()],
    ['test', newId()],
  ] as [string, string][]
  const [, tenant] = scopes[0] ?? ['', '']
  scopes.push(['other', tenant])
  for (const [index, [of, one]] of scopes.entries())
    for (const at of ['-1 minute', '-29 days -23 hours -59 minutes', '-30 days -1 minute'])
      await log(db(), newId(), `type ${index}`, at, one, of)
  // From before realms: nobody knows of which.
  for (const at of ['-1 minute', '-29 days -23 hours -59 minutes']) await log(db(), newId(), 'before', at, tenant, null)
  expect(await countRecentActivities(db(), { realm, tenant })).toEqual([{ type: 'type 0', count: 2 }])
})

test('who is new came to the realm and its tenant within 30 days, or 7', async () => {
  const [tenant, other] = [newId(), newId()]
  for (const created of ['0', '-6 days -23 hours', '-7 days', '-29 days -23 hours', '-30 days'])
    await person({ tenant, created })
  await person({ tenant: other })
  await person({ tenant, realm: 'other' })
  expect(await countNew(db(), `${realm}/${tenant}`)).toEqual({ newIn30Days: 4, newIn7Days: 2 })
})

describe('of an account in two realms', () => {
  const realms = ['test', 'other']

  test('each realm finds, locks and measures its own', async () => {
    const { id } = await everywhere(['test'], { preferences: { a: 1 } })
    const { id: accountId, number } = await everywhere(realms)
    for (const of of realms) {
      expect(await findProfile(db(), { accountId, realm: of })).toMatchObject({ realm: of, username: of, number })
      expect(await db().transaction((tx) => lockProfile(tx, { accountId, realm: of }))).toMatchObject({ realm: of })
    }
    for (const missing of [
      { accountId: id, realm: 'other' },
      { accountId, realm: 'nowhere' },
      { accountId: newId(), realm },
    ]) {
      expect(await findProfile(db(), missing)).toBeUndefined()
      expect(await db().transaction((tx) => lockProfile(tx, missing))).toBeUndefined()
    }
    expect(await sizeOfPreferences(db(), { accountId: id, realm: 'test' }, {})).toBe('{"a": 1}'.length)
    expect(await sizeOfPreferences(db(), { accountId: id, realm: 'other' }, {})).toBe('{}'.length)
    expect(await sizeOfPreferences(db(), { accountId, realm: 'test' }, {})).toBe('{}'.length)
  })

  test('pages are of the scope alone', async () => {
    const tenant = newId()
    const { id, number } = await everywhere(realms, { tenant })
    const stranger = await person({ tenant, realm: 'other' })
    await person({ tenant: newId() })
    await db().run(sql`UPDATE profiles SET search = array_to_tsvector(ARRAY['ada']) WHERE tenant = ${tenant}`)
    const scope = `test/${tenant}`
    const page = { limit: 10, offset: 0 }
    const order = { by: 'createdAt', descending: false, backwards: false } as const
    const predicates = { scope, indexPredicates: 'ada', filterPredicates: null }
    expect(await pageOfAll(db(), order, scope, page)).toEqual([id])
    expect(await pageByWalking(db(), order, { ...predicates, within: 10 }, page)).toEqual([id])
    expect(await pageByGathering(db(), order, predicates, page)).toEqual([id])
    expect(await countFound(db(), predicates)).toBe(1)
    // Filtered as well as found by the index.
    const filtered = { ...predicates, filterPredicates: 'ada' }
    expect(await pageByGathering(db(), order, filtered, page)).toEqual([id])
    expect(await countFound(db(), filtered)).toBe(1)
    expect((await findProfiles(db(), 'test', [stranger, id])).map((row) => [row.accountId, row.realm])).toEqual([
      [id, 'test'],
    ])
    expect((await listByNumber(db(), scope, page)).map((row) => [row.number, row.realm])).toEqual([[number, 'test']])
    expect(await accountOfNumber(db(), number)).toBe(id)
    expect(await accountOfNumber(db(), -1)).toBeUndefined()
  })

  test('another knows what was changed last, whatever is older, and the own realm nothing', async () => {
    const { id, number } = await everywhere([])
    const of = { id, number }
    const elsewhere = async (one: string, joins = true) =>
      (await findElsewhere(db(), { accountId: id, realm: one }, joins))?.realm
    expect(await elsewhere('test')).toBeUndefined()
    await person({ realm: 'test', created: '-1 hour' }, of)
    expect([await elsewhere('test'), await elsewhere('new')]).toEqual([undefined, 'test'])
    // Made later, and made early but changed last.
    await person({ realm: 'later', created: '-50 minutes' }, of)
    expect(await elsewhere('new')).toBe('later')
    await person({ realm: 'changed', created: '-3 hours', updated: '-40 minutes' }, of)
    expect([await elsewhere('new'), await elsewhere('changed')]).toEqual(['changed', 'later'])
    await person({ realm: 'stranger', created: '0' })
    expect(await elsewhere('new')).toBe('changed')
    expect(await elsewhere('new', false)).toBeUndefined()
    await person({ realm: '', created: '-2 hours' }, of)
    expect([await elsewhere('new'), await elsewhere('new', false)]).toEqual(['changed', ''])
  })
})

test('who has a profile from before realms is found, one after the other, and nobody else', async () => {
  const [first = '', second = ''] = [await person({ realm: '' }), await person({ realm: '' })].toSorted()
  const member = await person()
  const after = async (id: string) => {
    const found = await withoutRealm(db(), id)
    return found.filter((one) => [first, second, member].includes(one))
  }
  expect(await after('00000000-0000-0000-0000-000000000000')).toEqual([first, second])
  expect(await after(first)).toEqual([second])
  expect(await after(second)).toEqual([])
})

test('terms and departments are counted in the scope, over all slots', async () => {
  const [tenant, other] = [newId(), newId()]
  await db().run(sql`
    INSERT INTO totals (scope, term, slot, profiles)
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
  const removed = (accountId: string, since?: string, of = realm) =>
    db().transaction((tx) => removeProfile(tx, { accountId, realm: of }, since))
  const left = (ids: readonly string[]) =>
    db().many(sql<{ id: string; realm: string }>`
      SELECT account_id AS id, realm FROM profiles WHERE account_id = ANY(${ids}::uuid[]) ORDER BY 1, 2`)
  /** Whose log still tells, and of which realm. */
  const telling = (ids: readonly string[]) =>
    db().many(sql<{ id: string; realm: string | null }>`
      SELECT account_id AS id, realm FROM activities WHERE account_id = ANY(${ids}::uuid[]) AND ip IS NOT NULL ORDER BY 1, 2`)
  const erased = (ids: readonly string[]) =>
    db().many(sql<{ id: string; realm: string }>`
      SELECT account_id AS id, realm FROM removed_profiles WHERE account_id = ANY(${ids}::uuid[]) AND erased ORDER BY 1, 2`)
  const intended = () => ({ id: newId(), type: 'test.removed', data: {} }) satisfies Parameters<typeof intendRemoval>[2]
  const told = (ids: readonly string[]) =>
    db().many(sql`
      SELECT aggregate_id AS id, sequence FROM outbox_events WHERE aggregate_id = ANY(${ids}::uuid[]) ORDER BY 1, 2`)

  test('is of one profile, tells what was intended of it, and empties its log alone', async () => {
    const [gone, silent, other] = [await person({ avatarKey: 'a' }), await person(), await person({ avatarKey: 'b' })]
    const all = [gone, silent, other]
    for (const id of all) await log(db(), id, 'seen', '0')
    await intendRemoval(db(), { accountId: gone, realm }, intended())
    expect(await removed(gone)).toEqual({ emitted: true, avatarKey: 'a' })
    expect(await removed(silent)).toEqual({ emitted: false, avatarKey: null })
    expect(await told(all)).toEqual([{ id: gone, sequence: 1 }])
    expect(await left(all)).toEqual([{ id: other, realm }])
    expect(await telling(all)).toEqual([{ id: other, realm }])
    expect(await erased(all)).toEqual([
      { id: gone, realm },
      { id: silent, realm },
    ])
  })

  test('is of one realm: profile, log, and what was intended of another stay', async () => {
    const { id } = await everywhere(['test', 'other'])
    for (const of of ['test', 'other', null]) await log(db(), id, 'seen', '0', 'main', of)
    await intendRemoval(db(), { accountId: id, realm: 'other' }, intended())
    // Of a realm that was left before, whose log the pruning job is still at.
    await db().run(sql`INSERT INTO removed_profiles (account_id, realm, member_since) VALUES (${id}, 'third', now())`)
    expect(await removed(id)).toEqual({ emitted: false, avatarKey: null })
    expect(await left([id])).toEqual([{ id, realm: 'other' }])
    expect(await telling([id])).toEqual([
      { id, realm: 'other' },
      { id, realm: null },
    ])
    expect(await erased([id])).toEqual([{ id, realm: 'test' }])
    expect(await removed(id, undefined, 'other')).toEqual({ emitted: true, avatarKey: null })
  })

  test('gives an avatar up with the last profile that shows it', async () => {
    const { id } = await everywhere(['test', 'other'], { avatarKey: 'shared' })
    await everywhere(['third'], { avatarKey: 'another' })
    expect(await removed(id)).toEqual({ emitted: false, avatarKey: null })
    expect(await removed(id, undefined, 'other')).toEqual({ emitted: false, avatarKey: 'shared' })
  })

  test('remembers the latest beginning of what ended; of nobody, nothing', async () => {
    const remembered = async (id: string) =>
      (
        await db().many(sql<{ since: Date }>`
          SELECT member_since AS since FROM removed_profiles WHERE account_id = ${id} AND realm = ${realm}`)
      ).map(({ since }) => since.toISOString())
    const [early, late] = ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z']
    const id = newId()
    await removed(id)
    expect(await remembered(id)).toEqual([])
    await removed(id, late)
    await removed(id, early)
    expect(await remembered(id)).toEqual([late])
    const other = newId()
    await removed(other, early)
    await removed(other, late)
    expect(await remembered(other)).toEqual([late])
    const { id: own } = await everywhere(['test'])
    const since = (await findProfile(db(), { accountId: own, realm }))?.memberSince?.toISOString().slice(0, 19)
    await removed(own)
    expect((await remembered(own))[0]).toContain(since)
  })

  test('of an account takes all profiles and the whole log, and of no other', async () => {
    const { id } = await everywhere(['test', 'other'])
    const { id: stranger } = await everywhere(['test'])
    for (const one of [id, stranger])
      for (const of of ['test', 'gone', null]) await log(db(), one, 'seen', '0', 'main', of)
    for (const of of ['test', 'other']) await intendRemoval(db(), { accountId: id, realm: of }, intended())
    await db().transaction((tx) => removeAccount(tx, id))
    expect(await left([id, stranger])).toEqual([{ id: stranger, realm }])
    expect((await telling([id, stranger])).map((one) => one.id)).toEqual([stranger, stranger, stranger])
    expect(await told([id])).toEqual([
      { id, sequence: 1 },
      { id, sequence: 2 },
    ])
    expect((await erased([id])).map((one) => one.realm)).toEqual(['', 'other', 'test'])
  })

  test('lets the log be emptied of the realm alone, and of all once the account is deleted', async () => {
    const id = newId()
    for (const of of ['test', 'other', null]) await log(db(), id, 'seen', '0', 'main', of)
    const empty = (of: string | null) =>
      db().run(sql`
        UPDATE activities SET ip = NULL, user_agent = NULL, data = '{}'
         WHERE account_id = ${id} AND realm IS NOT DISTINCT FROM ${of}::text`)
    const remember = (of: string) =>
      db().run(sql`INSERT INTO removed_profiles (account_id, realm, member_since) VALUES (${id}, ${of}, now())`)
    await remember('test')
    expect(await empty('test')).toBe(1)
    for (const of of ['other', null]) await expect(empty(of)).rejects.toThrow('append-only')
    const moved = sql`
      UPDATE activities SET ip = NULL, user_agent = NULL, data = '{}', realm = 'other' WHERE account_id = ${id} AND realm = 'test'`
    await expect(db().run(moved)).rejects.toThrow('append-only')
    await remember('')
    for (const of of ['other', null]) expect(await empty(of)).toBe(1)
  })
})

describe('a file is nobody’s', () => {
  const file = async (key: string, accountId: string, age: string) =>
    void (await db().run(
      sql`INSERT INTO avatar_files (key, account_id, created_at) VALUES (${key}, ${accountId}, now() + ${age}::interval)`,
    ))

  test.each<[string, { shown?: 'own' | 'other' | 'elsewhere'; removed?: boolean; age: string }, boolean]>([
    ['a day after nobody named it', { age: '-1 day -1 minute' }, true],
    ['not within a day', { age: '-23 hours -59 minutes' }, false],
    ['five minutes after its person was removed', { removed: true, age: '-5 minutes -1 second' }, true],
    ['not within five minutes', { removed: true, age: '-4 minutes -30 seconds' }, false],
    ['not while its profile names it', { shown: 'own', age: '-400 days' }, false],
    ['not while the profile of another realm names it', { shown: 'elsewhere', age: '-400 days' }, false],
    ['though a profile names another of the same person', { shown: 'other', age: '-400 days' }, true],
  ])('%s', async (_what, { shown, removed, age }, orphaned) => {
    const key = newId()
    const named = shown === 'own' ? key : newId()
    const accountId = removed ? newId() : await person(shown ? { avatarKey: named } : {})
    if (shown === 'elsewhere') {
      numbers += 1
      await person({ realm: 'other', avatarKey: key }, { id: accountId, number: numbers })
    }
    for (const one of removed ? [accountId, newId()] : [newId()])
      await db().run(
        sql`INSERT INTO removed_profiles (account_id, realm, member_since) VALUES (${one}, ${realm}, now())`,
      )
    await file(key, accountId, age)
    // Of somebody else, who is shown under the same key: no reason to keep it.
    if (orphaned) await person({ avatarKey: key })
    const orphans = await db().transaction((tx) => lockOrphans(tx, 100))
    expect(orphans.some((one) => one.key === key)).toBe(orphaned)
    expect(await isShown(db(), key)).toBe(!orphaned && shown !== undefined)
    await db().run(sql`DELETE FROM avatar_files`)
  })
})
