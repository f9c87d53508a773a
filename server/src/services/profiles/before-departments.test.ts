import { beforeAll, expect, test } from 'vitest'
import { migrateBefore } from '../../../tests/support/migrate-before.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { execute, freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../../platform/db/database.ts'
import { migrate } from '../../platform/db/migrate.ts'
import { silentLogger } from '../../platform/log.ts'
import { migrations } from './index.ts'

const fresh = freshDatabase('profiles from before departments')
const uuid = (n: number) => `00000000-0000-7000-8000-00000000000${n}`
const waiting = { id: uuid(5), number: 5, username: 'waiting', createdAt: '2024-01-05T00:00:00.000Z' }

beforeAll(async () => {
  await migrateBefore(fresh.url, migrations, '0005')
  // As the build before this one writes it, the oldest first.
  const spelled = [
    ['test', 'Support'],
    ['test', 'SUPPORT'],
    ['test', 'support'],
    ['other', 'support'],
  ] as const
  for (const [index, [realm, department]] of spelled.entries()) {
    await execute(
      fresh.url,
      `INSERT INTO profiles (account_id, realm, number, tenant, username, department, search, indexed, created_at)
       VALUES ('${uuid(index + 1)}', '${realm}', ${index + 1}, 'main', 'person${index + 1}', '${department}',
               array_to_tsvector(ARRAY['=tenant main', '=department ${department}']), true, '2024-01-0${index + 1}')`,
    )
  }
  await execute(
    fresh.url,
    `INSERT INTO profiles (account_id, realm, number, tenant, username, department, indexed, created_at)
     VALUES ('${waiting.id}', '', 5, 'main', 'waiting', 'sUPPORT', true, '2024-01-05')`,
  )
  expect(await migrate(fresh.url, migrations, { log: silentLogger() })).toEqual(['0005_departments'])
  // Who waits to be divided among realms has neither words nor facets until then.
  await execute(
    fresh.url,
    `DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM profiles WHERE realm = '' AND NOT indexed); END $$`,
  )
  service.accounts.register({ ...waiting, memberships: [memberOf('test')] })
})
// Begins to run, and to finish what was migrated, after that.
const service = profilesService('before departments', { fresh })

test('departments of before are one in each realm, as it was first written there', async () => {
  const left = () => service.database.many(sql`SELECT FROM profiles WHERE realm = '' OR NOT indexed`)
  await expect.poll(left, { timeout: 30_000 }).toEqual([])
  const departmentsIn = async (realm: string) => (await service.profiles.statistics(contextIn(realm))).departments
  expect(await departmentsIn('test')).toEqual([{ department: 'Support', count: 4 }])
  expect(await departmentsIn('other')).toEqual([{ department: 'support', count: 1 }])
  const by = { department: 'suPPort', sortBy: 'createdAt', descending: false, limit: 9, offset: 0 } as const
  const { profiles } = await service.profiles.search(by, contextIn())
  expect(profiles.map(({ username }) => username)).toEqual(['person1', 'person2', 'person3', 'waiting'])
})
