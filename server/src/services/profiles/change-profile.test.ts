import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { ProfileFields } from './index.ts'

const service = profilesService('change profile')
const context = contextIn()
const change = (id: string, fields: ProfileFields, options = {}) =>
  service.profiles.change(id, fields, context, options)

describe('changing a profile', () => {
  test('changes what is given and leaves the rest', async () => {
    const { id } = await service.person()
    expect((await service.own(id)).updatedAt).toBeNull()
    await change(id, {
      firstName: 'Ada',
      lastName: 'Byron',
      phone: '1',
      address: 'Here',
      department: 'Maths',
      jobTitle: 'Engineer',
    })
    const changed = await change(id, { lastName: 'Lovelace', phone: null, address: undefined })
    expect(changed).toMatchObject({
      firstName: 'Ada',
      lastName: 'Lovelace',
      phone: null,
      address: 'Here',
      department: 'Maths',
      jobTitle: 'Engineer',
    })
    expect(changed.updatedAt).toBeInstanceOf(Date)
    expect(await service.own(id)).toEqual(changed)
  })

  test.each<[string, ProfileFields]>([
    ['nothing', {}],
    ['undefined alone', { firstName: undefined, preferences: undefined }],
  ])('with %s is refused', async (_what, fields) => {
    const { id } = await service.person()
    expect(await errorCodeOf(change(id, fields))).toBe('profiles.nothing_to_change')
  })

  test('takes texts that the database cannot hold as near as it can', async () => {
    const { id } = await service.person()
    const { firstName } = await change(id, {
      firstName: 'A\0da \ud800',
      preferences: { 'k\0ey': 'v\0al\ud800ue \\u0000', a: '\\\0' },
    })
    expect(firstName).toBe('Ada \ufffd')
    expect((await service.own(id)).preferences).toEqual({ key: 'value \\u0000', a: '\\' })
  })

  test('of somebody unknown, or of another tenant, is refused', async () => {
    const { id } = await service.person({ tenant: 'other' })
    for (const account of [id, crypto.randomUUID()]) {
      expect(await errorCodeOf(change(account, { firstName: 'Eve' }))).toBe('profiles.not_found')
    }
    expect(
      (await service.profiles.read({ accountId: id }, contextIn('test', { tenant: 'other' }))).firstName,
    ).toBeNull()
  })

  test('is of one realm: the profile of another stays as it is, and as old', async () => {
    const { id } = await service.person({ memberships: [memberOf('test'), memberOf('other')] })
    const before = await service.own(id, 'other')
    const changed = await change(id, { email: 'a@example.org', firstName: 'Ada', preferences: { theme: 'dark' } })
    expect(changed).toMatchObject({ email: 'a@example.org', firstName: 'Ada', preferences: { theme: 'dark' } })
    expect(await service.own(id, 'other')).toEqual(before)
    await service.profiles.change(id, { firstName: 'Grace', preferences: { theme: 'light' } }, contextIn('other'))
    expect(await service.own(id)).toEqual(changed)
  })

  test('in a realm that the person is no member of is refused', async () => {
    const { id } = await service.person()
    const elsewhere = service.profiles.change(id, { firstName: 'Eve' }, contextIn('elsewhere'))
    expect(await errorCodeOf(elsewhere)).toBe('profiles.not_found')
    expect(await service.own(id)).toMatchObject({ firstName: null })
  })

  test('makes the profile of somebody whose event is late', async () => {
    const { id } = service.accounts.register({ username: 'late' })
    expect(await change(id, { firstName: 'Late' })).toMatchObject({ username: 'late', firstName: 'Late' })
  })
})

describe('what is asked of the accounts', () => {
  test('is a mail to a new address, and the name that is shown', async () => {
    const { id } = await service.person({ email: 'old@example.org', displayName: 'Old' })
    const asked = async (fields: ProfileFields, options = {}) => {
      const before = service.accounts.asked.length
      await change(id, fields, options)
      return service.accounts.asked.slice(before)
    }
    expect(await asked({ email: 'old@example.org', displayName: 'Old' })).toEqual([])
    expect(await asked({ email: 'new@example.org' })).toEqual([`proposeEmail: ${id}, new@example.org, test`])
    expect(await asked({ email: 'newer@example.org' }, { tellTaken: true })).toEqual([
      `proposeEmail: ${id}, newer@example.org, test, tell`,
    ])
    expect(await asked({ email: 'newest@example.org' }, { administrator: { accountId: newId() } })).toEqual([
      `proposeEmail: ${id}, newest@example.org, test`,
    ])
    expect(await asked({ displayName: 'New' })).toEqual([`rename: ${id}, New`])
    expect(await asked({ displayName: null, email: null })).toEqual([])
    expect(await service.own(id)).toMatchObject({ email: null, displayName: null })
  })

  test('is not the name that an administrator shows: that is of the realm alone', async () => {
    const { id } = await service.person({ displayName: 'Own', memberships: [memberOf('test'), memberOf('other')] })
    const before = service.accounts.asked.length
    const administrator = { accountId: newId() }
    expect(await change(id, { displayName: 'Given' }, { administrator })).toMatchObject({ displayName: 'Given' })
    expect(service.accounts.asked).toHaveLength(before)
    expect(await service.own(id, 'other')).toMatchObject({ displayName: 'Own' })
    await change(id, { displayName: 'Mine' }, { administrator: { accountId: id } })
    expect(service.accounts.asked.slice(before)).toEqual([`rename: ${id}, Mine`])
  })

  test('comes first: when it is refused nothing is changed or told', async () => {
    const { id } = await service.person()
    service.accounts.break('proposeEmail', 'identity.username_taken')
    expect(await errorCodeOf(change(id, { email: 'taken@example.org', firstName: 'Eve' }))).toBe(
      'identity.username_taken',
    )
    service.accounts.mend()
    service.accounts.break('rename', 'edge.identity_unavailable')
    expect(await errorCodeOf(change(id, { displayName: 'Eve', firstName: 'Eve' }))).toBe('edge.identity_unavailable')
    service.accounts.mend()
    expect(await service.own(id)).toMatchObject({
      email: null,
      firstName: null,
      displayName: null,
      updatedAt: null,
    })
    expect(await service.events(id)).toEqual([])
  })
})

describe('preferences', () => {
  test('are merged two levels deep', async () => {
    const { id } = await service.person()
    const set = async (preferences: Record<string, unknown>) => (await change(id, { preferences })).preferences
    expect(await set({ theme: 'dark', notifications: { email: true, sms: false, deep: { a: 1 } } })).toEqual({
      theme: 'dark',
      notifications: { email: true, sms: false, deep: { a: 1 } },
    })
    expect(await set({ notifications: { email: false, deep: { b: 2 } } })).toEqual({
      theme: 'dark',
      notifications: { email: false, sms: false, deep: { b: 2 } },
    })
    expect(await set({ notifications: 'none', language: 'fr' })).toEqual({
      theme: 'dark',
      language: 'fr',
      notifications: 'none',
    })
    expect(await set({})).toMatchObject({ theme: 'dark' })
  })

  test('of two changes at once are both kept', async () => {
    const { id } = await service.person()
    await Promise.all(
      Array.from({ length: 10 }, (_, index) => change(id, { preferences: { notifications: { [`n${index}`]: true } } })),
    )
    const { preferences } = await service.own(id)
    expect(Object.keys(preferences.notifications as object)).toHaveLength(10)
  })

  test('are refused beyond 8 KiB in all, before anything is changed, mailed or told', async () => {
    const { id } = await service.person()
    await change(id, { preferences: { a: 'x'.repeat(4_000) } })
    const before = await service.own(id)
    const asked = service.accounts.asked.length
    const large = { email: 'new@example.org', firstName: 'Eve', preferences: { b: 'é'.repeat(2_100) } }
    expect(await errorCodeOf(change(id, large))).toBe('profiles.preferences_too_large')
    expect(await service.own(id)).toEqual(before)
    expect(service.accounts.asked).toHaveLength(asked)
    expect(await service.events(id)).toHaveLength(1)
    // What is replaced does not count.
    await change(id, { preferences: { a: 'x'.repeat(8_000) } })
  })

  test('are measured by those of the realm alone', async () => {
    const { id } = await service.person({ memberships: [memberOf('test'), memberOf('other')] })
    await change(id, { preferences: { a: 'x'.repeat(6_000) } })
    const [here, there] = [context, contextIn('other')].map((realm) =>
      service.profiles.change(id, { preferences: { b: 'x'.repeat(6_000) } }, realm),
    )
    expect(await errorCodeOf(here!)).toBe('profiles.preferences_too_large')
    expect(await there).toMatchObject({ preferences: { b: expect.any(String) } })
  })

  test('of two changes at once cannot exceed them together', async () => {
    const { id } = await service.person()
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        errorCodeOf(change(id, { preferences: { [`p${index}`]: 'x'.repeat(3_000) } })),
      ),
    )
    expect(outcomes.filter((code) => code === undefined)).toHaveLength(2)
    const { size } = await service.database.one(sql<{ size: number }>`
      SELECT octet_length(preferences::text) AS size FROM profiles WHERE account_id = ${id}`)
    expect(size).toBeLessThanOrEqual(8_192)
  })
})

describe('what is told and logged', () => {
  test('is one event and one entry a change, without what was written', async () => {
    const { id, number } = await service.person()
    const woken = service.woken
    await change(id, { firstName: 'Secret', preferences: { theme: 'secret' } })
    await change(id, { email: 'secret@example.org' })
    expect(service.woken).toBe(woken + 2)
    expect(await service.events(id)).toEqual([
      { type: 'test.changed', sequence: 1, data: { accountId: id, number, email: null } },
      { type: 'test.changed', sequence: 2, data: { accountId: id, number, email: 'secret@example.org' } },
    ])
    const from = { ip: '192.0.2.1', userAgent: 'tests' }
    expect(await service.logged(id)).toEqual([
      { type: 'profile_created', data: {}, ip: null, userAgent: null },
      { type: 'profile_updated', data: { fields: ['firstName', 'preferences'] }, ...from },
      { type: 'profile_updated', data: { fields: ['email'] }, ...from },
    ])
    expect(JSON.stringify(await service.logged(id))).not.toMatch(/secret/i)
  })

  test('names the administrator, unless it is their own profile', async () => {
    const [{ id }, administrator] = [await service.person(), await service.person()]
    await change(id, { firstName: 'Ada' }, { administrator: { accountId: administrator.id } })
    await change(administrator.id, { firstName: 'Eve' }, { administrator: { accountId: administrator.id } })
    expect((await service.events(id)).map(({ type }) => type)).toEqual(['test.changed_by_administrator'])
    expect((await service.events(administrator.id)).map(({ type }) => type)).toEqual(['test.changed'])
    expect((await service.logged(id)).at(-1)).toMatchObject({
      type: 'profile_updated_by_admin',
      data: { fields: ['firstName'], by: administrator.id },
    })
  })

  test('is no event where the contract announces none; the log is kept', async () => {
    const { id } = await service.person({ memberships: [memberOf('silent')] })
    await service.profiles.change(id, { firstName: 'Ada' }, contextIn('silent'))
    expect(await service.events(id)).toEqual([])
    expect(await service.logged(id)).toHaveLength(2)
  })

  test('names the realm in the log, and in the event as the realm does', async () => {
    const { id, number } = await service.person({ memberships: [memberOf('test'), memberOf('other')] })
    await change(id, { phone: '1' })
    await service.profiles.change(id, { phone: '2' }, contextIn('other'))
    const data = { accountId: id, number, email: null }
    expect(await service.events(id)).toEqual([
      { type: 'test.changed', sequence: 1, data },
      { type: 'other.changed', sequence: 2, data },
    ])
    const logged = await service.database.many(
      sql`SELECT realm, type FROM activities WHERE account_id = ${id} ORDER BY id`,
    )
    expect(logged).toEqual([
      { realm: 'test', type: 'profile_created' },
      { realm: 'other', type: 'profile_created' },
      { realm: 'test', type: 'profile_updated' },
      { realm: 'other', type: 'profile_updated' },
    ])
  })

  test('leaves no gap and no double when much happens at once, in whichever realm', async () => {
    const { id } = await service.person({ memberships: [memberOf('test'), memberOf('other')] })
    const realms = [context, contextIn('other')] as const
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        service.profiles.change(id, { phone: String(index) }, realms[index % 2] ?? context),
      ),
    )
    const events = await service.events(id)
    expect(events.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  test('holds a user agent of 512 characters', async () => {
    const { id } = await service.person()
    await service.profiles.change(
      id,
      { phone: '1' },
      contextIn('test', { userAgent: 'x'.repeat(10_000), ip: '2001:db8::1' }),
    )
    expect((await service.logged(id)).at(-1)).toMatchObject({ ip: '2001:db8::1', userAgent: 'x'.repeat(512) })
  })
})
