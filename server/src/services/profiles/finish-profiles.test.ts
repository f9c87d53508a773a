import { afterAll, beforeAll, expect, test } from 'vitest'
import { contextIn, profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'
import { silentLogger } from '../../platform/log.ts'
import type { Deps } from './deps.ts'
import { finishProfiles } from './finish-profiles.ts'

const service = profilesService('finish profiles')
const context = contextIn()
let deps: Deps
const found = async (text: string, who = context) =>
  (await service.profiles.search({ text, sortBy: 'lastName', descending: false, limit: 2_000, offset: 0 }, who)).total

/** Rows as the build before this one writes them. */
async function older(count: number, lastName: string): Promise<string[]> {
  const accounts = Array.from({ length: count }, (_, index) =>
    service.accounts.register({
      username: `${lastName}${index}`,
      displayName: 'Shown',
      roles: [{ contract: 'test', role: 'agent' }],
    }),
  )
  await service.database.run(sql`
    INSERT INTO profiles AS p (account_id, number, username, email, first_name, last_name, phone, address)
    SELECT id, number, username, 'x@example.org', 'Éloïse', ${lastName}, NULL, NULL
      FROM jsonb_to_recordset(${JSON.stringify(accounts)}::jsonb) AS a (id uuid, number bigint, username text)
    ON CONFLICT (account_id) DO UPDATE SET number = excluded.number`)
  return accounts.map(({ id }) => id)
}

beforeAll(() => {
  const nothing = {
    get: <V>(_key: string, _part: string, load: () => Promise<V>) => load(),
    drop: async () => undefined,
    close() {},
  }
  deps = {
    database: service.database,
    accounts: service.accounts,
    people: nothing,
    announce: () => undefined,
    eventsRecorded: () => undefined,
    clock: Date,
    log: silentLogger(),
  }
})
const running: { stop(): Promise<void> }[] = []
afterAll(() => Promise.all(running.map((one) => one.stop())))

test('departments that were indexed letter by letter are one, as it was first written, once they are seen to', async () => {
  const ids = await older(3, 'Desk')
  const spelled = ['Support', 'SUPPORT', 'Élevage']
  await service.database.run(sql`
    UPDATE profiles p SET department = d.department, roles = '{}', indexed = true,
           search = array_to_tsvector(ARRAY['=tenant main', '=department ' || d.department])
      FROM unnest(${ids}::uuid[], ${spelled}::text[]) AS d (id, department) WHERE p.account_id = d.id`)
  const departments = async () => (await service.profiles.statistics(context)).departments
  expect(await departments()).toHaveLength(3)
  // As the migration does.
  await service.database.run(sql`
    UPDATE profiles SET indexed = false WHERE department IS NOT NULL AND account_id = ANY(${ids}::uuid[])`)
  const finishing = finishProfiles(deps)
  running.push(finishing)
  await expect.poll(departments, { timeout: 15_000 }).toEqual([
    { department: 'Support', count: 2 },
    { department: 'Élevage', count: 1 },
  ])
})

test('profiles from before get words, order and roles, whoever sees to it', async () => {
  const ids = await older(600, 'Straße')
  expect(await found('strasse')).toBe(0)
  running.push(finishProfiles(deps), finishProfiles(deps))
  await expect.poll(() => found('élo strasse'), { timeout: 15_000 }).toBe(600)
  await expect
    .poll(
      async () =>
        (
          await service.database.one(
            sql<{ left: number }>`SELECT count(*) AS left FROM profiles WHERE roles IS NULL OR NOT indexed`,
          )
        ).left,
      { timeout: 30_000 },
    )
    .toBe(0)
  const { profiles, total } = await service.profiles.search(
    { role: 'agent', sortBy: 'lastName', descending: false, limit: 1, offset: 0 },
    context,
  )
  expect(total).toBe(600)
  expect(profiles[0]).toMatchObject({ displayName: 'Shown', updatedAt: null })
  expect(ids).toContain(profiles[0]?.accountId)
  expect(await service.events(ids[0]!)).toEqual([])
})

test('one that is read, or told of, before that is completed on the way', async () => {
  const [read = '', told = '', moved = ''] = await older(3, 'Waiting')
  const shown = { role: 'agent', displayName: 'Shown', updatedAt: null }
  expect(await service.profiles.read({ accountId: read }, context)).toMatchObject(shown)
  await service.tell('account.role_changed', told, { contract: 'other', role: 'admin' })
  expect(await service.profiles.read({ accountId: told }, context)).toMatchObject(shown)
  // Whose tenant nobody knew is not seen by the wrong one.
  service.accounts.known.set(moved, { ...service.accounts.known.get(moved)!, tenant: 'Other' })
  await expect(service.profiles.read({ accountId: moved }, context)).rejects.toMatchObject({
    code: 'profiles.not_found',
  })
  expect(await service.profiles.read({ accountId: moved }, contextIn('test', { tenant: 'other' }))).toMatchObject({
    tenant: 'other',
  })
  expect(await found('waiting')).toBe(2)
})

test('a name that its person chose to show stays, whatever completes the profile', async () => {
  const [read = '', told = ''] = await older(2, 'Named')
  await service.database.run(sql`UPDATE profiles SET display_name = 'Own' WHERE last_name = 'Named'`)
  await service.tell('account.role_changed', told, { contract: 'test', role: 'agent' })
  for (const accountId of [read, told]) {
    expect(await service.profiles.read({ accountId }, context)).toMatchObject({ role: 'agent', displayName: 'Own' })
  }
})

test('those of accounts that are gone keep nobody waiting', async () => {
  const [gone = ''] = await older(1, 'Gone')
  service.accounts.known.delete(gone)
  running.push(finishProfiles(deps))
  await expect
    .poll(async () => (await service.database.many(sql`SELECT FROM profiles WHERE roles IS NULL`)).length, {
      timeout: 10_000,
    })
    .toBe(0)
})
