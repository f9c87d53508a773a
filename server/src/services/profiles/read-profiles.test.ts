import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { type Database, sql } from '../../platform/db/database.ts'
import { revivePeople } from './index.ts'

let statements = 0
const watch = (database: Database): Database => ({
  ...database,
  many: (statement) => {
    statements += 1
    return database.many(statement)
  },
  maybe: (statement) => {
    statements += 1
    return database.maybe(statement)
  },
})
const service = profilesService('people', { watch })
const context = contextIn()
const { person, people } = {
  person: (number: number, who = context) => service.profiles.read(number, who),
  people: (page = { limit: 1_000, offset: 0 }, who = context) => service.profiles.list(page, who),
}
const statementsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = statements
  await work()
  return statements - before
}

describe('people', () => {
  test('are listed by number, with their role in the realm that asks, within its tenant', async () => {
    const one = await service.person({ memberships: [memberOf('test', 'admin'), memberOf('elsewhere')] })
    const two = await service.person()
    await service.person({ tenant: 'other' })
    await service.person({ memberships: [memberOf('abroad')] })
    const listed = await people()
    expect(listed.map(({ number, role }) => ({ number, role }))).toEqual([
      { number: one.number, role: 'admin' },
      { number: two.number, role: 'user' },
    ])
    expect(await people({ limit: 1, offset: 1 })).toEqual([listed[1]])
    const elsewhere = await people(undefined, contextIn('elsewhere'))
    expect(elsewhere.map(({ number, role }) => ({ number, role }))).toEqual([{ number: one.number, role: 'user' }])
    expect(await person(one.number)).toEqual(listed[0])
    expect(await service.profiles.read({ accountId: one.id }, context)).toEqual(listed[0])
  })

  test('are read once, until somebody writes', async () => {
    const { number } = await service.person()
    expect(await statementsOf(() => person(number))).toBeGreaterThan(0)
    expect(await statementsOf(() => person(number))).toBe(0)
    await people()
    expect(await statementsOf(() => people())).toBe(0)
  })

  test('of another tenant are refused, also when they are remembered', async () => {
    const { number, id } = await service.person({ tenant: 'other' })
    const other = contextIn('test', { tenant: 'other' })
    expect(await person(number, other)).toMatchObject({ accountId: id })
    expect(await errorCodeOf(person(number))).toBe('profiles.not_found')
    expect(await errorCodeOf(service.profiles.read({ accountId: id }, context))).toBe('profiles.not_found')
    expect(await errorCodeOf(person(-1))).toBe('profiles.not_found')
  })

  test('who are no members are refused, by number and account, also when another realm remembers them', async () => {
    const { number, id } = await service.person()
    expect(await person(number)).toMatchObject({ accountId: id })
    const elsewhere = contextIn('nowhere')
    expect(await errorCodeOf(person(number, elsewhere))).toBe('profiles.not_found')
    expect(await errorCodeOf(service.profiles.read({ accountId: id }, elsewhere))).toBe('profiles.not_found')
    expect(await people(undefined, elsewhere)).toEqual([])
  })

  test('are remembered apart for each realm, tenant and page', async () => {
    const twice = [memberOf('test', 'admin'), memberOf('elsewhere')]
    const { number } = await service.person({ memberships: twice })
    await service.person({ memberships: [memberOf('elsewhere')] })
    await Promise.all([service.person(), service.person({ tenant: 'other' })])
    const page = { limit: 2, offset: 0 }
    const remembered = await people(page)
    expect(remembered.map(({ role }) => role)).toContain('admin')
    expect((await person(number)).role).toBe('admin')
    const elsewhere = contextIn('elsewhere')
    expect((await person(number, elsewhere)).role).toBe('user')
    expect((await people(page, elsewhere)).map(({ role }) => role)).toEqual(['user', 'user'])
    const abroad = await people(page, contextIn('test', { tenant: 'other' }))
    expect(new Set(abroad.map(({ tenant }) => tenant))).toEqual(new Set(['other']))
    expect(await people({ limit: 1, offset: 0 })).toEqual(remembered.slice(0, 1))
    expect((await people({ limit: 2, offset: 1 }))[0]).toEqual(remembered[1])
  })

  test('who have no profile yet get one', async () => {
    const { id } = service.accounts.register({ username: 'early' })
    expect(await service.profiles.read({ accountId: id }, context)).toMatchObject({ username: 'early', role: 'user' })
    expect(await errorCodeOf(service.profiles.read({ accountId: crypto.randomUUID() }, context))).toBe(
      'profiles.not_found',
    )
  })

  const account = () => service.accounts.known
  test.each<[string, (id: string) => Promise<unknown>, object | undefined]>([
    ['a change', (id) => service.profiles.change(id, { phone: '1' }, context), { phone: '1' }],
    ['a role', (id) => service.profiles.changeRole(id, 'admin', { accountId: 'a' }, context), { role: 'admin' }],
    ['a removal', (id) => service.profiles.remove(id, context), undefined],
    [
      'an event of a role',
      async (id) => {
        account().set(id, { ...account().get(id)!, memberships: [memberOf('test', 'agent')] })
        await service.tell('membership.role_changed', id, { realm: 'test', role: 'agent' })
      },
      { role: 'agent' },
    ],
    [
      'an event of a membership',
      (id) => service.tellStarted(id, 'test', { names: { firstName: 'Ada' } }),
      { firstName: 'Ada' },
    ],
    [
      'an event of a membership that ended',
      async (id) => {
        const { since } = account().get(id)!.memberships[0]!
        service.accounts.leave(id, 'test')
        await service.tell('membership.ended', id, { realm: 'test', since })
      },
      undefined,
    ],
    [
      'an event of a deletion',
      async (id) => {
        account().delete(id)
        await service.tell('account.deleted', id)
      },
      undefined,
    ],
  ])('are read as they are after %s, at once', async (_what, write, expected) => {
    const { id, number } = await service.person()
    await Promise.all([person(number), people()])
    // Readers all the time: none of them may bring back what was.
    let writing = true
    const readers = Array.from({ length: 4 }, async () => {
      while (writing) {
        await Promise.allSettled([person(number), people()])
        // What is remembered comes without any wait, and would let nobody else run.
        await new Promise(setImmediate)
      }
    })
    await write(id)
    const listed = (await people()).find((one) => one.accountId === id)
    const read = await person(number).catch((error: { code: string }) => error.code)
    writing = false
    await Promise.all(readers)
    if (expected) {
      expect(read).toMatchObject(expected)
      expect(listed).toEqual(read)
    } else {
      expect(read).toBe('profiles.not_found')
      expect(listed).toBeUndefined()
    }
    expect(await person(number).catch((error: { code: string }) => error.code)).toEqual(read)
  })

  test('who were just made are listed', async () => {
    await people()
    const { number } = await service.person()
    expect((await people()).map((one) => one.number)).toContain(number)
    await people()
    const added = await service.profiles.add({ username: 'listed' }, context, undefined)
    expect((await people()).at(-1)).toEqual(added)
  })

  test('come back from JSON as they were', async () => {
    const { id, number } = await service.person()
    await service.profiles.change(id, { phone: '1' }, context)
    const some = [await person(number)]
    expect(revivePeople(JSON.parse(JSON.stringify(some)))).toEqual(some)
    expect(revivePeople(JSON.parse(JSON.stringify(await people())))).toEqual(await people())
  })

  test('changed by hand in the database are read as they are two seconds later at most', async () => {
    const { id, number } = await service.person()
    await person(number)
    await service.database.run(sql`UPDATE profiles SET phone = '2' WHERE account_id = ${id}`)
    await expect.poll(async () => (await person(number)).phone, { timeout: 5_000 }).toBe('2')
  })
})
