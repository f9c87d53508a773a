import { beforeAll, expect, test } from 'vitest'
import { migrateBefore } from '../../../tests/support/migrate-before.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { execute, freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { silentLogger } from '../../platform/log.ts'
import { migrations } from './index.ts'

const fresh = freshDatabase('profiles from before realms')
const [ada, bob, gone, removed] = [1, 2, 3, 4].map((one) => `00000000-0000-7000-8000-00000000000${one}`) as [
  string,
  string,
  string,
  string,
]
const about = { tenant: 'Main', email: 'account@example.org', createdAt: '2024-01-01T00:00:00.000Z' }

beforeAll(async () => {
  await migrateBefore(fresh.url, migrations, '0004')
  // As the build before this one writes it: indexed and counted, with what was announced and done.
  await execute(
    fresh.url,
    `INSERT INTO profiles (account_id, number, username, tenant, email, display_name, first_name, department, avatar_key, preferences,
                           roles, sequence, search, first_name_order, indexed, created_at, updated_at)
     VALUES ('${ada}', 1, 'ada', 'main', 'shown@example.org', 'Countess', 'Ada', 'Maths', 'abc', '{"theme": "dark"}',
             '{"test": "admin", "other": "user"}', 2, array_to_tsvector(ARRAY['ada', '=tenant main', '=department Maths', '=test admin']),
             'ada', true, '2024-01-01', '2025-06-01'),
            ('${bob}', 2, 'bob', 'main', NULL, NULL, 'Bob', 'Maths', NULL, '{}', '{}', 0,
             array_to_tsvector(ARRAY['bob', '=tenant main', '=department Maths']), 'bob', true, '2024-02-01', NULL),
            ('${gone}', 3, 'gone', 'main', NULL, NULL, 'Gone', NULL, NULL, '{}', NULL, 1, '', NULL, false, '2024-03-01', NULL);
     INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
     SELECT gen_random_uuid(), account_id, n, 'test.told', '{}' FROM profiles, generate_series(1, sequence) n;
     INSERT INTO outbox_events (id, aggregate_id, sequence, type, data) VALUES (gen_random_uuid(), '${removed}', 7, 'test.removed', '{}');
     INSERT INTO removed_profiles (account_id, erased) VALUES ('${removed}', true);
     INSERT INTO avatar_files (key, account_id, created_at) VALUES ('abc', '${ada}', '2024-01-01');
     INSERT INTO activities (account_id, tenant, type, data, ip)
     SELECT id::uuid, 'main', 'profile_updated', '{"fields": ["phone"]}', '192.0.2.1' FROM unnest(ARRAY['${ada}', '${bob}']) id`,
  )
  expect(await migrate(fresh.url, migrations, { log: silentLogger() })).toContain('0004_realms')
  const { accounts } = service
  const member = (realm: string, role: string | null = null) => memberOf(realm, role, { since: '2024-01-01T00:00:00Z' })
  accounts.register({
    ...about,
    id: ada,
    number: 1,
    username: 'ada',
    memberships: [member('test', 'admin'), member('other')],
  })
  accounts.register({ ...about, id: bob, number: 2, username: 'bob', memberships: [member('test')] })
  accounts.register({ ...about, id: removed, number: 4, username: 'removed', memberships: [member('test')] })
})
// Begins to run, and to finish what was migrated, after that.
const service = profilesService('before realms', { fresh })
const [context, other] = [contextIn(), contextIn('other')]
const search = async (department: string, who = context) =>
  (
    await service.profiles.search({ department, sortBy: 'createdAt', descending: false, limit: 9, offset: 0 }, who)
  ).profiles.map(({ username }) => username)

test('a database from before realms is divided among them, and nothing of it is lost', async () => {
  const left = () => service.database.many(sql`SELECT FROM profiles WHERE realm = '' OR NOT indexed`)
  await expect.poll(left, { timeout: 30_000 }).toEqual([])
  const rows = await service.database.many(sql`SELECT username, realm, role FROM profiles ORDER BY 1, 2`)
  expect(rows).toEqual([
    { username: 'ada', realm: 'other', role: null },
    { username: 'ada', realm: 'test', role: 'admin' },
    { username: 'bob', realm: 'test', role: null },
  ])
  const shown = {
    accountId: ada,
    number: 1,
    tenant: 'main',
    email: 'shown@example.org',
    displayName: 'Countess',
    firstName: 'Ada',
    department: 'Maths',
    avatarKey: 'abc',
    preferences: { theme: 'dark' },
    createdAt: new Date('2024-01-01T00:00:00Z'),
    updatedAt: new Date('2025-06-01T00:00:00Z'),
  }
  expect(await service.own(ada)).toMatchObject({ ...shown, role: 'admin' })
  expect(await service.own(ada, 'other')).toMatchObject({ ...shown, role: 'user' })
})

test('its words, departments and figures are counted in each realm', async () => {
  expect([await search('Maths'), await search('Maths', other)]).toEqual([['ada', 'bob'], ['ada']])
  expect(await service.profiles.statistics(context)).toMatchObject({
    total: 2,
    departments: [{ department: 'Maths', count: 2 }],
  })
  expect(await service.profiles.statistics(other)).toMatchObject({
    total: 1,
    departments: [{ department: 'Maths', count: 1 }],
  })
  const { kept } = await service.database.one(sql<{ kept: number }>`
    SELECT coalesce(sum(profiles), 0)::integer AS kept FROM totals WHERE scope NOT IN ('test/main', 'other/main')`)
  expect(kept).toBe(0)
})

test('its log is shown in each realm of the person', async () => {
  for (const realm of ['test', 'other']) {
    const { activities } = await service.profiles.activities({ accountId: ada, realm, limit: 9, offset: 0 })
    // That each realm has a copy now is nothing that anybody did.
    expect(activities.map(({ type }) => type)).toEqual(['profile_updated'])
    expect(activities[0]).toMatchObject({ ip: '192.0.2.1', data: { fields: ['phone'] } })
  }
})

test('its events go on where they were, and nothing is announced again', async () => {
  const numbersOf = async (id: string) => (await service.events(id)).map(({ sequence, type }) => `${sequence} ${type}`)
  for (const realm of [context, other]) await service.profiles.register({ accountId: ada }, realm)
  expect(await numbersOf(ada)).toEqual(['1 test.told', '2 test.told'])
  await service.profiles.change(ada, { phone: '1' }, other)
  expect((await numbersOf(ada)).at(-1)).toBe('3 other.changed')
  // Who was never announced begins with the first.
  await service.profiles.change(bob, { phone: '1' }, context)
  expect(await numbersOf(bob)).toEqual(['1 test.changed'])
})

test('who was removed before stays removed, in whichever realm', async () => {
  await expect(service.own(removed)).rejects.toMatchObject({ code: 'profiles.not_found' })
  await service.tellStarted(removed)
  expect(await service.database.many(sql`SELECT FROM profiles WHERE account_id = ${removed}`)).toEqual([])
  // What the log says of them may be emptied as before.
  await service.database.run(sql`
    INSERT INTO activities (account_id, realm, tenant, type, ip) VALUES (${removed}, NULL, 'main', 'visited', '192.0.2.1')`)
  expect(
    await service.database.run(sql`
    UPDATE activities SET ip = NULL WHERE account_id = ${removed}`),
  ).toBe(1)
})
