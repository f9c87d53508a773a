import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'
import { DomainError } from '../../platform/errors.ts'
import type { ObjectStore } from '../../platform/storage/object-store.ts'
import { pruning } from './index.ts'

const removedFiles: string[] = []
const avatars: ObjectStore = {
  put: async () => undefined,
  get: async () => undefined,
  remove: async (key) => void removedFiles.push(key),
  ping: async () => undefined,
  close: async () => undefined,
}
const service = profilesService('remove person', { avatars })
const context = contextIn()

const facts = async (id: string) => (await service.events(id)).map(({ type, sequence }) => `${sequence} ${type}`)
const rowsOf = async (id: string) =>
  (await service.database.one(sql<{ rows: number }>`SELECT count(*) AS rows FROM profiles WHERE account_id = ${id}`))
    .rows
const prune = async () => {
  for (const statement of pruning) await service.database.run(statement())
}

/** A person with a profile that was changed once; `since` is when the membership began. */
async function somebody() {
  const membership = memberOf('test')
  const account = await service.person({ email: 'gone@example.org', memberships: [membership] })
  await service.profiles.change(account.id, { firstName: 'Zebulon' }, context)
  return { ...account, since: membership.since }
}

/** What identity tells, each by itself, of somebody who was a member of one realm. */
const removals = ['membership.ended', 'account.deleted'] as const

describe('removing a person', () => {
  test('removes the account first, then the profile, and tells it', async () => {
    const { id, number } = await somebody()
    await service.profiles.remove(id, context)
    expect(service.accounts.asked.at(-1)).toBe(`remove: ${id}, test`)
    expect(await rowsOf(id)).toBe(0)
    expect(await errorCodeOf(service.own(id))).toBe('profiles.not_found')
    expect(await errorCodeOf(service.profiles.read(number, context))).toBe('profiles.not_found')
    expect(
      await service.profiles.search(
        { text: 'zebulon', sortBy: 'email', descending: false, limit: 1, offset: 0 },
        context,
      ),
    ).toEqual({ total: 0, profiles: [] })
    expect((await service.events(id)).at(-1)).toEqual({
      type: 'test.removed',
      sequence: 2,
      data: { accountId: id, number, email: 'gone@example.org' },
    })
  })

  test('removes the image of the avatar', async () => {
    const { id } = await somebody()
    await service.database.run(sql`UPDATE profiles SET avatar_key = 'abc' WHERE account_id = ${id}`)
    await service.profiles.remove(id, context)
    expect(removedFiles).toContain('abc')
  })

  test.each(removals)('is told once when the event %s is faster, and when it comes after', async (type) => {
    const { id, since } = await somebody()
    const { remove } = service.accounts
    service.accounts.remove = async (accountId, ...about) => {
      const removed = await remove(accountId, ...about)
      await service.tell(type, accountId, { realm: 'test', since })
      return removed
    }
    await service.profiles.remove(id, context)
    service.accounts.remove = remove
    expect(await facts(id)).toEqual(['1 test.changed', '2 test.removed'])
    await service.tell(type, id, { realm: 'test', since })
    expect(await facts(id)).toEqual(['1 test.changed', '2 test.removed'])
  })

  const outcomes: [string, (remove: () => Promise<boolean>) => Promise<boolean>][] = [
    ['this process ended in between', (remove) => remove().then(() => new Promise(() => undefined))],
    [
      'identity did it and could not say so',
      (remove) => remove().then(() => Promise.reject(new DomainError('edge.identity_unavailable'))),
    ],
  ]
  test.each(outcomes.flatMap(([what, outcome]) => removals.map((type) => [type, what, outcome] as const)))(
    'is told by the event %s when %s',
    async (type, _what, outcome) => {
      const { id, since } = await somebody()
      const { remove } = service.accounts
      const asked = new Promise<void>((resolve) => {
        service.accounts.remove = (...about) => {
          resolve()
          return outcome(() => remove(...about))
        }
      })
      service.profiles.remove(id, context).catch(() => undefined)
      await asked
      service.accounts.remove = remove
      await service.tell(type, id, { realm: 'test', since })
      expect(await facts(id)).toEqual(['1 test.changed', '2 test.removed'])
      expect(await rowsOf(id)).toBe(0)
    },
  )

  test('that identity refuses changes nothing', async () => {
    const { id } = await somebody()
    service.accounts.break('remove', 'identity.last_administrator')
    expect(await errorCodeOf(service.profiles.remove(id, context))).toBe('identity.last_administrator')
    service.accounts.mend()
    expect(await service.own(id)).toMatchObject({ firstName: 'Zebulon' })
    // Nor is anything told of it by a deletion that comes from elsewhere.
    await service.tell('account.deleted', id)
    expect(await facts(id)).toEqual(['1 test.changed'])
  })

  test('of nobody, of another tenant, and of another realm is refused', async () => {
    const { id } = await service.person({ tenant: 'other' })
    const elsewhere = await service.person({ memberships: [memberOf('elsewhere')] })
    for (const account of [id, elsewhere.id, crypto.randomUUID()]) {
      expect(await errorCodeOf(service.profiles.remove(account, context))).toBe('profiles.not_found')
    }
    expect([await rowsOf(id), await rowsOf(elsewhere.id)]).toEqual([1, 1])
  })

  test('of ten at once one removes, and to the others there is nobody', async () => {
    const { id } = await somebody()
    const codes = await Promise.all(Array.from({ length: 10 }, () => errorCodeOf(service.profiles.remove(id, context))))
    expect(codes.sort()).toEqual([...Array(9).fill('profiles.not_found'), undefined])
    expect(await facts(id)).toEqual(['1 test.changed', '2 test.removed'])
  })

  test('is logged with the administrator, whom identity is told', async () => {
    const [{ id }, administrator] = [await somebody(), await service.person()]
    await service.profiles.remove(id, context, { accountId: administrator.id })
    expect(service.accounts.asked.at(-1)).toBe(`remove: ${id}, test, ${administrator.id}`)
    expect((await service.logged(administrator.id)).at(-1)).toEqual({
      type: 'admin_user_deleted',
      data: { accountId: id },
      ip: '192.0.2.1',
      userAgent: 'tests',
    })
    const logs = ['test', 'other'].map((realm) =>
      service.profiles.activities({ accountId: administrator.id, realm, limit: 1, offset: 0 }),
    )
    const types = (await Promise.all(logs)).map(({ activities }) => activities.map(({ type }) => type))
    expect(types).toEqual([['admin_user_deleted'], []])
  })

  test('is for good: an event that is late brings nobody back', async () => {
    const { id, number, since } = await somebody()
    await service.profiles.remove(id, context)
    const about = { number, tenant: 'main', username: 'back', email: null, displayName: null, origin: 'registered' }
    await service.tell('membership.started', id, { ...about, realm: 'test', since })
    expect(await rowsOf(id)).toBe(0)
    await service.tell('account.deleted', id)
    // Nor after that, in whichever realm and of whichever membership.
    const later = new Date(Date.now() + 1_000).toISOString()
    for (const realm of ['test', 'other'])
      await service.tell('membership.started', id, { ...about, realm, since: later })
    expect(await rowsOf(id)).toBe(0)
    expect(await facts(id)).toEqual(['1 test.changed', '2 test.removed'])
  })
})

describe('what the log says of somebody who was removed', () => {
  const emptied = { data: {}, ip: null, userAgent: null }

  test('is type and time alone', async () => {
    const { id } = await somebody()
    const before = await service.profiles.activities({ accountId: id, realm: 'test', limit: 10, offset: 0 })
    await service.profiles.remove(id, context)
    const { activities } = await service.profiles.activities({ accountId: id, realm: 'test', limit: 10, offset: 0 })
    expect(activities).toEqual(before.activities.map((one) => ({ ...one, ...emptied })))
    expect(activities.map(({ type }) => type)).toEqual(['profile_updated', 'profile_created'])
  })

  test('is emptied in steps when it is long', async () => {
    const { id } = await somebody()
    await service.database.run(sql`
      INSERT INTO activities (account_id, realm, tenant, type, data, ip, user_agent)
      SELECT ${id}, 'test', 'main', 'profile_updated', '{"fields": ["phone"]}', '192.0.2.1', 'x' FROM generate_series(1, 2500)`)
    const telling = async () =>
      (await service.logged(id)).filter(({ ip, userAgent, data }) => ip ?? userAgent ?? Object.keys(data).length).length
    await service.profiles.remove(id, context)
    expect(await telling()).toBe(1_501)
    await prune()
    expect(await telling()).toBe(501)
    await prune()
    expect(await telling()).toBe(0)
    const { erased } = await service.database.one(
      sql<{ erased: boolean }>`SELECT erased FROM removed_profiles WHERE account_id = ${id} AND realm = 'test'`,
    )
    expect(erased).toBe(true)
  })
})
