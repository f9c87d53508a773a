import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { AccountSummary } from './index.ts'

const service = profilesService('make profile')
const context = contextIn()

const registered = ({ id }: AccountSummary, more: object = {}) => service.tellStarted(id, 'test', more)
const facts = async (id: string) => (await service.events(id)).map(({ type, sequence }) => `${sequence} ${type}`)
const created = ['1 test.created']
const search = async (text: string, who = context) =>
  (await service.profiles.search({ text, sortBy: 'email', descending: false, limit: 10, offset: 0 }, who)).total

describe('the event of a membership', () => {
  test('makes the profile, which its realm announces', async () => {
    const account = service.accounts.register({
      tenant: 'Main',
      email: 'ada@example.org',
      displayName: 'Countess',
      memberships: [memberOf('test', 'admin')],
    })
    await registered(account, { names: { firstName: 'Ada', lastName: 'Lovelace' } })
    const { id, number, username } = account
    expect(await service.own(id)).toEqual({
      accountId: id,
      number,
      tenant: 'main',
      username,
      email: 'ada@example.org',
      displayName: 'Countess',
      firstName: 'Ada',
      lastName: 'Lovelace',
      phone: null,
      address: null,
      department: null,
      jobTitle: null,
      avatarKey: null,
      preferences: {},
      createdAt: expect.any(Date),
      updatedAt: null,
      role: 'admin',
    })
    expect(await service.profiles.read(number, context)).toMatchObject({ accountId: id, role: 'admin' })
    expect(await service.events(id)).toEqual([
      { type: 'test.created', sequence: 1, data: { accountId: id, number, email: 'ada@example.org' } },
    ])
    expect(await service.logged(id)).toEqual([{ type: 'profile_created', data: {}, ip: null, userAgent: null }])
    expect(await search('countess love')).toBe(1)
  })

  test('of an account that was imported keeps its age', async () => {
    const account = service.accounts.register({ createdAt: '2019-04-05T06:07:08.009Z' })
    await registered(account)
    expect((await service.own(account.id)).createdAt).toEqual(new Date('2019-04-05T06:07:08.009Z'))
  })

  test('of an account that is as old as the membership gives it the time of the event', async () => {
    const account = service.accounts.register({ createdAt: '2019-04-05T06:07:08.009Z' })
    const before = Date.now()
    await registered(account, { createdAt: undefined })
    const { createdAt } = await service.own(account.id)
    expect(createdAt.getTime()).toBeGreaterThanOrEqual(before)
    expect(createdAt.getTime()).toBeLessThanOrEqual(Date.now())
  })

  test('of a person makes one without a role', async () => {
    const account = service.accounts.register()
    await registered(account)
    expect(await service.own(account.id)).toMatchObject({ role: 'user' })
    const rows = await service.database.many(sql`SELECT realm, role FROM profiles WHERE account_id = ${account.id}`)
    expect(rows).toEqual([{ realm: 'test', role: null }])
  })

  test('that comes after the first reading completes the profile, and announces it all the same', async () => {
    const account = service.accounts.register()
    await service.own(account.id)
    expect(await facts(account.id)).toEqual([])
    await registered(account, { names: { firstName: 'Ada' } })
    expect(await service.own(account.id)).toMatchObject({ firstName: 'Ada', updatedAt: null })
    expect(await facts(account.id)).toEqual(created)
    expect((await service.logged(account.id)).map(({ type }) => type)).toEqual(['profile_created'])
  })

  test('that comes after a change takes nothing back', async () => {
    const account = service.accounts.register({ memberships: [memberOf('test', 'agent')] })
    await service.profiles.change(account.id, { firstName: 'Grace' }, context)
    await service.profiles.changeRole(account.id, 'admin', { accountId: 'administrator' }, context)
    await registered(account, { names: { firstName: 'Ada', lastName: 'Lovelace' } })
    expect(await service.profiles.read(account.number, context)).toMatchObject({
      firstName: 'Grace',
      lastName: 'Lovelace',
      role: 'admin',
    })
    expect(await facts(account.id)).toEqual(['1 test.changed', '2 test.role_changed'])
  })

  test('that comes after the address was taken away does not bring it back', async () => {
    const account = service.accounts.register({ email: 'ada@example.org', displayName: 'Ada' })
    await service.profiles.change(account.id, { email: null }, context)
    await registered(account)
    expect(await service.own(account.id)).toMatchObject({ email: null, displayName: 'Ada' })
  })
})

describe('the first reading of one’s own profile', () => {
  test('makes it once, however many read', async () => {
    const { id } = service.accounts.register({ memberships: [memberOf('test', 'admin')] })
    const read = await Promise.all(Array.from({ length: 10 }, () => service.own(id)))
    expect(read).toEqual(Array(10).fill(await service.own(id)))
    expect(await service.logged(id)).toHaveLength(1)
    expect((await service.profiles.read({ accountId: id }, context)).role).toBe('admin')
  })

  test('of nobody, or of who is no member, is refused', async () => {
    const { id } = service.accounts.register({ memberships: [memberOf('elsewhere')] })
    for (const accountId of [id, crypto.randomUUID()])
      expect(await errorCodeOf(service.own(accountId))).toBe('profiles.not_found')
  })

  test('by somebody else makes it too, within the tenant', async () => {
    const [here, there] = [service.accounts.register(), service.accounts.register({ tenant: 'elsewhere' })]
    expect(await service.profiles.read({ accountId: here.id }, context)).toMatchObject({ number: here.number })
    expect(await errorCodeOf(service.profiles.read({ accountId: there.id }, context))).toBe('profiles.not_found')
    expect(await errorCodeOf(service.profiles.read(there.number, context))).toBe('profiles.not_found')
    expect(await service.profiles.read(here.number, context)).toMatchObject({ accountId: here.id })
    expect(
      (await service.profiles.list({ limit: 1000, offset: 0 }, context)).map(({ number }) => number),
    ).not.toContain(there.number)
  })
})

describe('adding a person', () => {
  test('makes account and profile at once', async () => {
    const person = await service.profiles.add(
      {
        email: 'grace@example.org',
        password: 'p',
        displayName: 'Grace',
        role: 'admin',
        department: 'Navy',
        preferences: { theme: 'dark' },
      },
      context,
      undefined,
    )
    expect(person).toMatchObject({
      username: 'grace@example.org',
      email: 'grace@example.org',
      displayName: 'Grace',
      role: 'admin',
      department: 'Navy',
      preferences: { theme: 'dark' },
      updatedAt: null,
    })
    expect(service.accounts.asked.at(-1)).toBe('create: , grace@example.org, Grace, admin, test')
    expect(await facts(person.accountId)).toEqual(created)
    expect(await service.logged(person.accountId)).toEqual([
      { type: 'profile_created', data: {}, ip: '192.0.2.1', userAgent: 'tests' },
    ])
    const account = service.accounts.known.get(person.accountId)!
    await registered(account)
    expect(await facts(person.accountId)).toEqual(created)
    expect(await service.profiles.read(person.number, context)).toEqual(person)
  })

  test('completes the profile when the event was faster', async () => {
    const { create } = service.accounts
    service.accounts.create = async (...about) => {
      const account = await create(...about)
      await registered(account)
      return account
    }
    const person = await service.profiles.add(
      { username: 'faster', firstName: 'Ada', preferences: { a: 1 } },
      context,
      undefined,
    )
    service.accounts.create = create
    expect(person).toMatchObject({
      username: 'faster',
      firstName: 'Ada',
      role: 'user',
      preferences: { a: 1 },
      updatedAt: null,
    })
    expect(await facts(person.accountId)).toEqual(created)
    expect(await search('ada')).toBeGreaterThan(0)
  })

  test('again with the same key overwrites nothing', async () => {
    const { create } = service.accounts
    const account = service.accounts.register({ username: 'twice' })
    service.accounts.create = async () => account
    const add = () =>
      service.profiles.add({ username: 'twice', firstName: 'Ada', preferences: { a: 1 } }, context, undefined)
    await add()
    await service.profiles.change(account.id, { firstName: 'Grace', preferences: { a: 2 } }, context)
    const again = await add()
    service.accounts.create = create
    expect(again).toMatchObject({ firstName: 'Grace', preferences: { a: 2 } })
    expect(await facts(account.id)).toEqual(['1 test.created', '2 test.changed'])
  })

  test('is refused before an account is made when the preferences are too large', async () => {
    const before = service.accounts.asked.length
    const large = { username: 'large', preferences: { a: 'x'.repeat(9_000) } }
    expect(await errorCodeOf(service.profiles.add(large, context, undefined))).toBe('profiles.preferences_too_large')
    expect(service.accounts.asked).toHaveLength(before)
  })

  test('gives on what identity refuses', async () => {
    service.accounts.break('create', 'identity.username_taken')
    expect(await errorCodeOf(service.profiles.add({ username: 'taken' }, context, undefined))).toBe(
      'identity.username_taken',
    )
    service.accounts.mend()
  })
})

describe('what another service announces', () => {
  test('makes the profile the first time, by the account that identity has', async () => {
    const { id, number } = service.accounts.register({ email: null })
    const first = await service.profiles.register({ accountId: id, email: 'told@example.org' }, context)
    expect(first).toMatchObject({ made: true, profile: { accountId: id, number, email: 'told@example.org' } })
    const again = await service.profiles.register({ accountId: id, email: 'other@example.org' }, context)
    expect(again).toEqual({ made: false, profile: first.profile })
    expect(await facts(id)).toEqual(created)
  })

  test('of an account that nobody has, or of another tenant or realm, is refused', async () => {
    const { id } = service.accounts.register({ tenant: 'elsewhere' })
    const stranger = service.accounts.register({ memberships: [memberOf('elsewhere')] })
    for (const accountId of [id, stranger.id, crypto.randomUUID()]) {
      expect(await errorCodeOf(service.profiles.register({ accountId }, context))).toBe('profiles.not_found')
    }
  })

  test('by many at once is announced once, and leaves no gap', async () => {
    const { id } = service.accounts.register()
    const made = await Promise.all(
      Array.from({ length: 8 }, () => service.profiles.register({ accountId: id }, context)),
    )
    expect(made.filter((one) => one.made)).toHaveLength(1)
    expect(await facts(id)).toEqual(created)
    await service.profiles.change(id, { phone: '1' }, context)
    expect(await facts(id)).toEqual([...created, '2 test.changed'])
  })
})

test('made by the event and by many requests at once, a profile is one, and none of them fails', async () => {
  for (let turn = 0; turn < 60; turn += 1) {
    const account = service.accounts.register()
    const made = await Promise.all([
      service.own(account.id),
      registered(account),
      service.profiles.read({ accountId: account.id }, contextIn()),
      service.profiles.change(account.id, { firstName: 'Ada' }, contextIn()),
    ])
    expect(made[0].accountId).toBe(account.id)
    expect(await service.own(account.id)).toMatchObject({ firstName: 'Ada', number: account.number })
  }
})
