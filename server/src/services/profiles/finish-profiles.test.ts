import { afterEach, beforeAll, expect, test } from 'vitest'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'
import { silentLogger } from '../../platform/log.ts'
import type { Deps } from './deps.ts'
import { finishProfiles } from './finish-profiles.ts'

const service = profilesService('finish profiles')
const context = contextIn()
let deps: Deps
const running: { stop(): Promise<void> }[] = []
const found = async (text: string, who = context) =>
  (await service.profiles.search({ text, sortBy: 'lastName', descending: false, limit: 2_000, offset: 0 }, who)).total

/** Rows as the migration leaves them, of accounts that identity knows with these memberships. */
async function older(count: number, lastName: string, memberships = [memberOf('test', 'agent')]): Promise<string[]> {
  const accounts = Array.from({ length: count }, (_, index) =>
    service.accounts.register({ username: `${lastName}${index}`, displayName: 'Shown', memberships }),
  )
  await service.database.run(sql`
    INSERT INTO profiles (account_id, realm, number, tenant, username, email, first_name, last_name, phone, indexed, sequence, updated_at)
    SELECT id, '', number, 'main', username, 'x@example.org', 'Éloïse', ${lastName}, '7', true, 0, '2025-01-01'
      FROM jsonb_to_recordset(${JSON.stringify(accounts)}::jsonb) AS a (id uuid, number bigint, username text)`)
  return accounts.map(({ id }) => id)
}
/** How many of these are left from before. */
const left = async (ids: readonly string[]) =>
  (
    await service.database.many(
      sql`SELECT FROM profiles WHERE account_id = ANY(${ids}::uuid[]) AND (realm = '' OR NOT indexed)`,
    )
  ).length
const realmsOf = async (id: string) =>
  (
    await service.database.many(
      sql<{ realm: string }>`SELECT realm FROM profiles WHERE account_id = ${id} ORDER BY realm`,
    )
  ).map(({ realm }) => realm)
const soon = { timeout: 30_000 }
/** Runs it, and one beside it, until it is stopped. */
const finish = () => running.push(finishProfiles(deps), finishProfiles(deps))

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

afterEach(() => Promise.all(running.splice(0).map((one) => one.stop())))

test('profiles from before get realm, words, order and role, whoever sees to it', async () => {
  const ids = await older(600, 'Straße')
  expect(await found('strasse')).toBe(0)
  finish()
  await expect.poll(() => left(ids), soon).toBe(0)
  expect(await found('élo strasse')).toBe(600)
  const { profiles, total } = await service.profiles.search(
    { role: 'agent', sortBy: 'lastName', descending: false, limit: 1, offset: 0 },
    context,
  )
  expect(total).toBe(600)
  // As it was, and as old.
  expect(profiles[0]).toMatchObject({ displayName: 'Shown', phone: '7', updatedAt: new Date('2025-01-01T00:00:00Z') })
  expect(ids).toContain(profiles[0]?.accountId)
  expect(await service.events(ids[0]!)).toEqual([])
})

test('profiles whose words are to be made again get them, in each realm', async () => {
  const people = await Promise.all(
    Array.from({ length: 3 }, () => service.person({ memberships: [memberOf('test'), memberOf('other')] })),
  )
  const ids = people.map(({ id }) => id)
  await service.database.run(sql`
    UPDATE profiles SET last_name = 'Again' || realm, indexed = false, search = '' WHERE account_id = ANY(${ids}::uuid[])`)
  finish()
  await expect.poll(() => left(ids), soon).toBe(0)
  expect([await found('againtest'), await found('againother')]).toEqual([3, 0])
  expect([await found('againtest', contextIn('other')), await found('againother', contextIn('other'))]).toEqual([0, 3])
})

test('each realm of an account gets its own, in whichever way the person came', async () => {
  const origins = ['registered', 'joined', 'added', 'imported'] as const
  const memberships = origins.map((origin) => memberOf(origin, null, { origin }))
  const [id = '', beside = ''] = await older(2, 'Divided', memberships)
  await service.database.run(sql`
    UPDATE profiles SET avatar_key = 'k', preferences = '{"theme": "dark"}', sequence = 4 WHERE account_id = ${id}`)
  finish()
  await expect.poll(() => left([id, beside]), soon).toBe(0)
  expect(await realmsOf(id)).toEqual(origins.toSorted())
  for (const realm of origins) {
    const all = { firstName: 'Éloïse', avatarKey: 'k', preferences: { theme: 'dark' }, email: 'x@example.org' }
    expect(await service.own(id, realm)).toMatchObject(all)
    // They were announced before, and are not announced again.
    await service.profiles.register({ accountId: id }, contextIn(realm))
  }
  expect(await service.events(id)).toEqual([])
})

test('one that is read, or told of, before that is completed on the way', async () => {
  const added = [memberOf('test', 'agent', { origin: 'added' }), memberOf('other', 'admin')]
  const [read = '', told = '', moved = ''] = await older(3, 'Waiting', added)
  const shown = { role: 'agent', displayName: 'Shown', firstName: 'Éloïse', updatedAt: null }
  expect(await service.profiles.read({ accountId: read }, context)).toMatchObject(shown)
  expect(await service.profiles.read({ accountId: read }, contextIn('other'))).toMatchObject({
    ...shown,
    role: 'admin',
  })
  await service.tell('membership.role_changed', told, { realm: 'other', role: 'admin' })
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
  // What is changed, and what is taken away, before the rest is seen to, stays so.
  await service.profiles.change(read, { firstName: 'Own', phone: null }, context)
  finish()
  await expect.poll(() => left([read, told, moved]), soon).toBe(0)
  expect(await service.own(read)).toMatchObject({ firstName: 'Own', phone: null })
  expect(await service.own(read, 'other')).toMatchObject({ firstName: 'Éloïse', phone: '7' })
})

test('a name or address that its person chose to show stays, whatever completes the profile', async () => {
  const [read = '', finished = '', bare = ''] = await older(3, 'Named')
  for (const id of [read, finished, bare])
    service.accounts.known.set(id, { ...service.accounts.known.get(id)!, email: 'account@example.org' })
  await service.database.run(sql`UPDATE profiles SET display_name = 'Own' WHERE last_name = 'Named'`)
  await service.database.run(sql`UPDATE profiles SET email = NULL WHERE account_id = ${bare}`)
  const own = { role: 'agent', displayName: 'Own', email: 'x@example.org' }
  expect(await service.own(read)).toMatchObject(own)
  finish()
  await expect.poll(() => left([read, finished, bare]), soon).toBe(0)
  expect(await service.own(finished)).toMatchObject(own)
  // Taken away.
  expect(await service.own(bare)).toMatchObject({ ...own, email: null })
})

test('those of accounts that are gone are forgotten, and keep nobody waiting', async () => {
  const [gone = '', there = ''] = await older(2, 'Gone')
  service.accounts.known.delete(gone)
  finish()
  await expect.poll(() => left([gone, there]), soon).toBe(0)
  expect([await realmsOf(gone), await realmsOf(there)]).toEqual([[], ['test']])
})

test('those of accounts without a realm are kept, and keep nobody waiting, until one is joined', async () => {
  const [id = ''] = await older(1, 'Homeless', [])
  const [next = ''] = await older(1, 'Housed')
  finish()
  await expect.poll(() => realmsOf(next), soon).toEqual(['test'])
  expect(await realmsOf(id)).toEqual([''])
  await Promise.all(running.splice(0).map((one) => one.stop()))
  service.accounts.join(id, memberOf('other', null, { origin: 'joined' }))
  await service.tellStarted(id, 'other')
  expect(await service.own(id, 'other')).toMatchObject({ firstName: 'Éloïse', phone: '7' })
  expect((await service.events(id)).map(({ type }) => type)).toEqual(['other.created'])
  finish()
  await expect.poll(() => realmsOf(id), soon).toEqual(['other'])
})

test('none is divided while identity is away, and none is lost', async () => {
  const [id = ''] = await older(1, 'Patient')
  service.accounts.break('find', 'edge.identity_unavailable')
  const failed = new Promise<void>((resolve) => {
    running.push(finishProfiles({ ...deps, log: { ...silentLogger(), debug: () => resolve() } as Deps['log'] }))
  })
  await failed
  expect(await realmsOf(id)).toEqual([''])
  service.accounts.mend()
  await expect.poll(() => realmsOf(id), soon).toEqual(['test'])
})

test('a membership that ended meanwhile gets none', async () => {
  const [id = ''] = await older(1, 'Ended', [memberOf('test'), memberOf('other')])
  const { since } = service.accounts.known.get(id)!.memberships[0]!
  await service.tell('membership.ended', id, { realm: 'test', since })
  finish()
  await expect.poll(() => left([id]), soon).toBe(0)
  expect(await realmsOf(id)).toEqual(['other'])
})
