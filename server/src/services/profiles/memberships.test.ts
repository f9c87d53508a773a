import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'

const service = profilesService('memberships')
const context = contextIn()
const facts = async (id: string) => (await service.events(id)).map(({ type, sequence }) => `${sequence} ${type}`)
const realmsOf = async (id: string) =>
  (
    await service.database.many(
      sql<{ realm: string }>`SELECT realm FROM profiles WHERE account_id = ${id} ORDER BY realm`,
    )
  ).map(({ realm }) => realm)
/** A moment so many seconds from now. */
const moment = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString()

/** Everything that a profile brings along. */
const texts = {
  email: 'shown@example.org',
  firstName: 'Ada',
  lastName: 'Byron',
  phone: '1',
  address: 'Here',
  department: 'Maths',
  jobTitle: 'Engineer',
}
const nothing = Object.fromEntries(Object.keys(texts).map((name) => [name, null]))

/** A member of `test` whose profile says everything. */
async function somebody() {
  const { id } = await service.person()
  await service.profiles.change(id, { ...texts, displayName: 'Ada', preferences: { theme: 'dark', size: 1 } }, context)
  await service.database.run(sql`UPDATE profiles SET avatar_key = ${id} WHERE account_id = ${id}`)
  return id
}
const ways: [string, (id: string, realm: string) => Promise<unknown>][] = [
  ['event', (id, realm) => service.tellStarted(id, realm)],
  ['first reading', (id, realm) => service.own(id, realm)],
]

describe('joining a realm', () => {
  test.each(
    ways.flatMap(([way, make]) => (['registered', 'joined'] as const).map((origin) => [origin, way, make] as const)),
  )('by having %s brings the profile along, by its %s', async (origin, _way, make) => {
    const id = await somebody()
    const role = 'manager'
    service.accounts.join(id, memberOf('other', role, { origin }))
    await make(id, 'other')
    const expected = { ...texts, displayName: 'Ada', avatarKey: id, preferences: { theme: 'dark', size: 1 }, role }
    expect(await service.own(id, 'other')).toMatchObject({ ...expected, updatedAt: null })
    // The one that it comes from is as it was.
    expect(await service.own(id)).toMatchObject({ ...texts, role: 'user' })
  })

  test.each(
    ways.flatMap(([way, make]) => (['added', 'imported'] as const).map((origin) => [origin, way, make] as const)),
  )('by having been %s brings nothing along, by its %s', async (origin, _way, make) => {
    const id = await somebody()
    service.accounts.join(id, memberOf('other', null, { origin }))
    await make(id, 'other')
    expect(await service.own(id, 'other')).toMatchObject({ ...nothing, avatarKey: null, preferences: {} })
  })

  test('brings along what is not given', async () => {
    const id = await somebody()
    const about = { email: 'account@example.org', displayName: 'Countess' }
    service.accounts.known.set(id, { ...service.accounts.known.get(id)!, ...about })
    service.accounts.join(id, memberOf('other', null, { origin: 'joined' }))
    await service.tellStarted(id, 'other', { names: { firstName: 'Augusta', lastName: null } })
    expect(await service.own(id, 'other')).toMatchObject({
      ...texts,
      ...about,
      firstName: 'Augusta',
      lastName: 'Byron',
    })
  })

  test('brings along what the realm knows in which it was changed last', async () => {
    const id = await somebody()
    for (const realm of ['second', 'third']) {
      service.accounts.join(id, memberOf(realm, null, { origin: 'joined' }))
      await service.tellStarted(id, realm)
    }
    await service.profiles.change(id, { phone: '3' }, contextIn('third'))
    await service.profiles.change(id, { phone: '2', preferences: { size: 2 } }, contextIn('second'))
    service.accounts.join(id, memberOf('fourth', null, { origin: 'joined' }))
    expect(await service.own(id, 'fourth')).toMatchObject({ phone: '2', preferences: { theme: 'dark', size: 2 } })
    await service.profiles.change(id, { phone: '1' }, context)
    service.accounts.join(id, memberOf('fifth', null, { origin: 'registered' }))
    expect(await service.own(id, 'fifth')).toMatchObject({ phone: '1', preferences: { theme: 'dark', size: 1 } })
  })

  test('brings it along once: from then on each goes its own way, also when the event is late', async () => {
    const id = await somebody()
    service.accounts.join(id, memberOf('other', null, { origin: 'joined' }))
    await service.profiles.change(id, { firstName: 'Grace', phone: null, preferences: { size: 2 } }, contextIn('other'))
    await service.profiles.change(id, { address: 'There', preferences: { new: true } }, context)
    const own = { ...texts, firstName: 'Grace', phone: null, preferences: { theme: 'dark', size: 2 } }
    expect(await service.own(id, 'other')).toMatchObject(own)
    for (const _ of ['late', 'again']) await service.tellStarted(id, 'other')
    expect(await service.own(id, 'other')).toMatchObject(own)
    expect(await service.own(id)).toMatchObject({ ...texts, address: 'There', phone: '1' })
  })

  test('is announced by each realm, once, with numbers that go on', async () => {
    const { id, number } = service.accounts.register({ memberships: [memberOf('test'), memberOf('other')] })
    for (const realm of ['test', 'other', 'test', 'other']) await service.tellStarted(id, realm)
    const data = { accountId: id, number, email: null }
    expect(await service.events(id)).toEqual([
      { type: 'test.created', sequence: 1, data },
      { type: 'other.created', sequence: 2, data },
    ])
  })
})

describe('leaving a realm', () => {
  /** A member of two realms, with an entry of the log from before realms. */
  async function member() {
    const [here, there] = [memberOf('test', 'admin'), memberOf('other', 'manager')]
    const account = await service.person({ memberships: [here, there] })
    for (const realm of ['test', 'other']) await service.profiles.change(account.id, { phone: realm }, contextIn(realm))
    return { ...account, since: here.since }
  }
  const addresses = (id: string) =>
    service.database.many(sql`
      SELECT realm, count(ip)::integer AS told FROM activities WHERE account_id = ${id} GROUP BY realm ORDER BY realm`)

  test.each<[string, (id: string, since: string) => Promise<void>]>([
    ['by the request', (id) => service.profiles.remove(id, context)],
    [
      'by the event',
      async (id, since) => {
        service.accounts.leave(id, 'test')
        await service.tell('membership.ended', id, { realm: 'test', since })
      },
    ],
  ])('takes the profile of that realm and what its log says, %s, and nothing of another', async (_how, leave) => {
    const { id, number, since } = await member()
    const before = await service.own(id, 'other')
    await leave(id, since)
    expect(await realmsOf(id)).toEqual(['other'])
    expect(await service.own(id, 'other')).toEqual(before)
    expect(await errorCodeOf(service.own(id))).toBe('profiles.not_found')
    expect(await errorCodeOf(service.profiles.read(number, context))).toBe('profiles.not_found')
    expect(await addresses(id)).toEqual([
      { realm: 'other', told: 1 },
      { realm: 'test', told: 0 },
    ])
  })

  test('tells in that realm alone what was to be told', async () => {
    const { id } = await member()
    await service.profiles.remove(id, contextIn('other'))
    expect(await facts(id)).toEqual(['1 test.changed', '2 other.changed', '3 other.removed'])
    await service.tell('account.deleted', id)
    expect(await facts(id)).toEqual(['1 test.changed', '2 other.changed', '3 other.removed'])
  })

  test('by an account that is deleted takes every realm', async () => {
    const { id } = await member()
    const { id: other } = await member()
    await service.tell('account.deleted', id)
    expect([await realmsOf(id), await realmsOf(other)]).toEqual([[], ['other', 'test']])
    expect(await addresses(id)).toEqual([
      { realm: 'other', told: 0 },
      { realm: 'test', told: 0 },
    ])
    expect(await addresses(other)).toEqual([
      { realm: 'other', told: 1 },
      { realm: 'test', told: 1 },
    ])
  })
})

describe('a membership that ended', () => {
  /** A member of one realm, whose membership there began at `since`, to the microsecond, and ended. */
  async function former(way: 'request' | 'event' = 'request') {
    const since = moment(-60).replace('Z', '789+00:00')
    const { id } = await service.person({ memberships: [memberOf('test', null, { since }), memberOf('other')] })
    await service.profiles.change(id, { phone: '1' }, context)
    if (way === 'request') await service.profiles.remove(id, context)
    else {
      service.accounts.leave(id, 'test')
      await service.tell('membership.ended', id, { realm: 'test', since })
    }
    return { id, since }
  }

  test.each(['request', 'event'] as const)('by %s, and began anew has a profile again', async (way) => {
    for (const [, make] of ways) {
      const { id } = await former(way)
      service.accounts.join(id, memberOf('test', 'admin', { origin: 'added' }))
      await make(id, 'test')
      expect(await service.own(id)).toMatchObject({ phone: null, role: 'admin' })
      await service.profiles.change(id, { phone: '2' }, context)
      // And a second time.
      await service.profiles.remove(id, context)
      expect(await realmsOf(id)).toEqual(['other'])
      service.accounts.join(id, memberOf('test', null, { origin: 'added', since: moment(1) }))
      await make(id, 'test')
      expect(await realmsOf(id)).toEqual(['other', 'test'])
    }
  })

  test('and began anew has its events numbered where the former’s ended', async () => {
    const { id } = await former()
    const before = ['1 test.changed', '2 test.removed']
    expect(await facts(id)).toEqual(before)
    service.accounts.join(id, memberOf('test'))
    await service.tellStarted(id)
    await service.profiles.change(id, { phone: '2' }, contextIn('other'))
    expect(await facts(id)).toEqual([...before, '3 test.created', '4 other.changed'])
    await service.profiles.remove(id, context)
    expect((await facts(id)).at(-1)).toBe('5 test.removed')
  })

  test.each(['request', 'event'] as const)('by %s, is brought back by nothing that is late', async (way) => {
    const { id, since } = await former(way)
    // What is known of it was read, and is told, from before.
    service.accounts.join(id, memberOf('test', null, { since }))
    expect(await errorCodeOf(service.own(id))).toBe('profiles.not_found')
    await service.tellStarted(id)
    service.accounts.join(id, memberOf('test', null, { since: moment(-3_600) }))
    expect(await errorCodeOf(service.own(id))).toBe('profiles.not_found')
    await service.tellStarted(id)
    expect(await realmsOf(id)).toEqual(['other'])
    // The other realm's is as old, and is another matter.
    service.accounts.join(id, memberOf('third', null, { since }))
    await service.tellStarted(id, 'third')
    expect(await realmsOf(id)).toEqual(['other', 'third'])
  })

  test('takes nothing of the one that began anew when its end is told late', async () => {
    const { id, since } = await former()
    service.accounts.join(id, memberOf('test', 'admin'))
    await service.profiles.change(id, { phone: '2' }, context)
    await service.tell('membership.ended', id, { realm: 'test', since })
    expect(await service.own(id)).toMatchObject({ phone: '2', role: 'admin' })
    const { activities } = await service.profiles.activities({ accountId: id, realm: 'test', limit: 1, offset: 0 })
    expect(activities).toMatchObject([{ type: 'profile_updated', ip: '192.0.2.1' }])
  })

  test('before its profile was made has none, nor what is told of it later', async () => {
    const membership = memberOf('test')
    const { id } = service.accounts.register({ memberships: [membership] })
    await service.tell('membership.ended', id, { realm: 'test', since: membership.since })
    await service.tellStarted(id)
    expect(await errorCodeOf(service.own(id))).toBe('profiles.not_found')
    expect(await realmsOf(id)).toEqual([])
    expect(await facts(id)).toEqual([])
  })
})
