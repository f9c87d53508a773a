import { describe, expect, test } from 'vitest'
import { identityStore } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import {
  changePerson,
  findAccount,
  findAccountByName,
  findAccountByNumber,
  findSummary,
  listAccounts,
  lockAccount,
  removeAccount,
  setSecondFactor,
} from './accounts.ts'

const store = identityStore('accounts')
const until = new Date()
const address = () => `${newId()}@example.org`

/** What the account's row and others tell of it. */
const stateOf = (id: string) =>
  store.database.maybe(sql<{
    version: number
    revision: number
    secondFactor: boolean
    name: string | null
    events: number
    revocations: number
  }>`
    SELECT version, revision, second_factor AS "secondFactor", display_name AS name,
           (SELECT count(*) FROM outbox_events WHERE aggregate_id = ${id}) AS events,
           (SELECT count(*) FROM revocations WHERE account_id = ${id}) AS revocations
      FROM accounts WHERE id = ${id}`)

test('an account is found by the realms that it is a member of, with its role there', async () => {
  const { id: tenantId, name: tenant } = await store.tenant()
  const id = await store.account({ tenantId, username: 'ada' })
  await store.member(await store.account({ tenantId }), { role: 'editor' })
  await store.member(id, { realm: 'other', role: 'admin', version: 2 })
  await store.member(id, { realm: 'inactive', role: null, state: 'inactive' })
  await store.member(id, { realm: 'waiting', role: null, state: 'pending' })
  await store.member(id, { realm: 'left', role: null, state: 'removed' })
  const number = (await findAccount(store.database, id, 'test'))?.number ?? 0
  const finds = [
    (from: string) => findAccount(store.database, id, from),
    (from: string) => findAccountByNumber(store.database, number, from),
    (from: string) => findAccountByName(store.database, tenant, 'ada', from),
  ]
  for (const find of finds) {
    expect(await find('test')).toMatchObject({ id, role: null, active: true, version: 1 })
    expect(await find('other')).toMatchObject({ id, role: 'admin', active: true, version: 3 })
    expect(await find('inactive')).toMatchObject({ id, active: false })
    expect(await find('waiting')).toMatchObject({ id, active: false })
    expect(await find('left')).toBeUndefined()
    expect(await find('third')).toBeUndefined()
  }
  expect(await findAccount(store.database, newId(), 'test')).toBeUndefined()
  expect(await findAccountByNumber(store.database, 1_000_000, 'test')).toBeUndefined()
  expect(await lockAccount(store.database, id)).toEqual({ id })
  expect(await lockAccount(store.database, newId())).toBeUndefined()
})

test('a name is one of the tenant: its username, or its proven address', async () => {
  const { id: tenantId, name: tenant } = await store.tenant()
  const elsewhere = await store.tenant()
  const [proven, unproven] = [address(), address()]
  const [ada, eve] = [
    await store.account({ tenantId, username: 'Ada', email: proven.toUpperCase(), proven: true }),
    await store.account({ tenantId, username: 'eve', email: unproven }),
  ]
  const find = async (name: string, at = tenant) => (await findAccountByName(store.database, at, name, 'test'))?.id
  expect(await find('aDA', tenant.toLowerCase())).toBe(ada)
  expect(await find(proven.replace('example', 'Example'))).toBe(ada)
  expect(await find('eve')).toBe(eve)
  expect(await find(unproven)).toBeUndefined()
  expect(await find('ada', elsewhere.name)).toBeUndefined()
  expect(await find(proven, elsewhere.name)).toBeUndefined()
})

test('a list is of the members of a realm, of a tenant, by id or number, and of a role there', async () => {
  await store.database.run(sql`DELETE FROM accounts`)
  const [one, two] = [await store.tenant(), await store.tenant()]
  const person = await store.account({ tenantId: one.id })
  const editor = await store.member(await store.account({ tenantId: one.id }), { role: 'editor' })
  const both = await store.member(await store.account({ tenantId: one.id }), { realm: 'other', role: 'editor' })
  const there = await store.member(await store.account({ tenantId: two.id, state: 'inactive' }), { role: 'editor' })
  await store.account({ tenantId: one.id, state: 'removed' })
  const foreign = await store.account({ tenantId: one.id, state: null })
  await store.member(foreign, { realm: 'other', role: 'editor' })
  const number = (await findAccount(store.database, there, 'test'))?.tenantNumber
  const list = async (by: {
    tenantId?: string
    tenantNumber?: number | undefined
    role?: string
    limit?: number
    offset?: number
    realm?: string
  }) => {
    const { total, rows } = await listAccounts(store.database, {
      realm: 'test',
      tenantId: undefined,
      tenantNumber: undefined,
      role: undefined,
      person: 'user',
      limit: 10,
      offset: 0,
      ...by,
    })
    return [total, rows.map(({ id }) => id)]
  }
  expect(await list({})).toEqual([4, [person, editor, both, there]])
  expect(await list({ tenantId: one.id })).toEqual([3, [person, editor, both]])
  expect(await list({ tenantNumber: number })).toEqual([1, [there]])
  expect(await list({ tenantId: one.id, tenantNumber: number })).toEqual([0, []])
  expect(await list({ role: 'editor' })).toEqual([2, [editor, there]])
  expect(await list({ role: 'user' })).toEqual([2, [person, both]])
  expect(await list({ role: 'editor', tenantId: one.id })).toEqual([1, [editor]])
  expect(await list({ limit: 1, offset: 2 })).toEqual([4, [both]])
  expect(await list({ realm: 'other' })).toEqual([2, [both, foreign]])
  expect(await list({ realm: 'other', role: 'user' })).toEqual([0, []])
})

describe('a change', () => {
  test('of the name and of the second factor is of that account alone', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    const rename = () =>
      changePerson(store.database, { accountId, displayName: 'Ada', preferences: undefined, eventId: newId() })
    for (const time of [1, 1]) {
      await rename()
      expect((await stateOf(accountId))?.events).toBe(time)
    }
    expect([
      await setSecondFactor(store.database, accountId, true),
      await setSecondFactor(store.database, accountId, true),
    ]).toEqual([1, 0])
    const unchanged = { version: 1, revision: 1, revocations: 0 }
    expect(await stateOf(accountId)).toEqual({ ...unchanged, secondFactor: true, name: 'Ada', events: 1 })
    expect(await stateOf(other)).toEqual({ ...unchanged, secondFactor: false, name: null, events: 0 })
  })

  test.each([
    ['retires the name that somebody chose', { username: 'Chosen', email: null }, true],
    ['retires the name that somebody chose beside an address', { username: 'Chosen', email: 'else@' }, true],
    ['leaves a name free that is the address', { username: 'Address@', email: 'address@' }, false],
    ['leaves a name free that is the id', { username: 'id', email: null }, false],
  ])('that removes an account %s', async (_what, { username, email }, retired) => {
    const name = `${username}${newId()}`
    const other = await store.account()
    const accountId = await store.account({
      username: name,
      email: email && (username.includes('@') ? name.toLowerCase() : `${email}${newId()}`),
    })
    await store.member(accountId, { realm: 'other', state: 'removed' })
    if (username === 'id')
      await store.database.run(sql`UPDATE accounts SET username = id::text WHERE id = ${accountId}`)
    const held = (await findAccount(store.database, accountId, 'test'))?.username ?? ''
    await removeAccount(store.database, { accountId, until, eventId: newId() })
    expect(await findAccount(store.database, accountId, 'test')).toBeUndefined()
    expect(await stateOf(other)).toMatchObject({ version: 1, revision: 1, events: 0, revocations: 0 })
    const left = await store.database.one(sql<{ retired: boolean; memberships: number }>`
      SELECT EXISTS (SELECT FROM retired_usernames WHERE username_hash = sha256(convert_to(${held.toLowerCase()}, 'UTF8'))) AS retired,
             (SELECT count(*) FROM memberships WHERE account_id = ${accountId}) AS memberships`)
    expect(left).toEqual({ retired, memberships: 0 })
    const revoked = await store.database.many(sql`
      SELECT realm, minimum_version AS version FROM revocations WHERE account_id = ${accountId}`)
    expect(revoked).toEqual([{ realm: null, version: 2_147_483_647 }])
  })
})

test('a summary has the memberships that are not over, with role, origin and beginning', async () => {
  const [accountId, other] = [await store.account(), await store.account()]
  await store.member(accountId, { realm: 'other', role: 'kept', origin: 'added', state: 'inactive' })
  await store.member(accountId, { realm: 'left', state: 'removed' })
  await store.member(other, { realm: 'third' })
  const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT/)
  const { memberships = [] } = (await findSummary(store.database, accountId)) ?? {}
  expect([...memberships].sort((one, two) => one.realm.localeCompare(two.realm))).toEqual([
    { realm: 'other', role: 'kept', origin: 'added', since },
    { realm: 'test', role: null, origin: 'registered', since },
  ])
  await store.member(accountId, { state: 'removed' })
  await store.member(accountId, { realm: 'other', state: 'removed' })
  expect(await findSummary(store.database, accountId)).toMatchObject({ id: accountId, memberships: [] })
  expect(await findSummary(store.database, newId())).toBeUndefined()
})
