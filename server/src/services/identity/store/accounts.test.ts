import { describe, expect, test } from 'vitest'
import { identityStore } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import {
  changePerson,
  contractsAdministeredAlone,
  findAccount,
  findAccountByName,
  findAccountByNumber,
  findSummary,
  hasAdministrator,
  listAccounts,
  lockAccount,
  reachesBeyond,
  removeAccount,
  setActive,
  setRole,
  setSecondFactor,
} from './accounts.ts'

const store = identityStore('accounts')
const until = new Date()
const address = () => `${newId()}@example.org`
const contract = () => `contract-${newId()}`

/** What the account's row and others tell of it. */
const stateOf = (id: string) =>
  store.database.maybe(sql<{
    version: number
    active: boolean
    secondFactor: boolean
    name: string | null
    events: number
    revocations: number
  }>`
    SELECT version, active, second_factor AS "secondFactor", display_name AS name,
           (SELECT count(*) FROM outbox_events WHERE aggregate_id = ${id}) AS events,
           (SELECT count(*) FROM revocations WHERE account_id = ${id}) AS revocations
      FROM accounts WHERE id = ${id}`)

test('an account is found with its role in the contract that asks', async () => {
  const { id: tenantId, name: tenant } = await store.tenant()
  const id = await store.account({ tenantId, username: 'ada' })
  await store.grant(await store.account({ tenantId }), { role: 'editor' })
  await store.grant(id, { contract: 'other', role: 'admin' })
  const number = (await findAccount(store.database, id, 'test'))?.number ?? 0
  const finds = [
    (from: string) => findAccount(store.database, id, from),
    (from: string) => findAccountByNumber(store.database, number, from),
    (from: string) => findAccountByName(store.database, tenant, 'ada', from),
  ]
  for (const find of finds) {
    expect(await find('test')).toMatchObject({ id, role: null })
    expect(await find('other')).toMatchObject({ id, role: 'admin' })
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

test('a list is of a tenant, by id or number, and of a role in the contract', async () => {
  await store.database.run(sql`DELETE FROM accounts`)
  const [one, two] = [await store.tenant(), await store.tenant()]
  const person = await store.account({ tenantId: one.id })
  const editor = await store.grant(await store.account({ tenantId: one.id }), { role: 'editor' })
  const foreign = await store.grant(await store.account({ tenantId: one.id }), { contract: 'other', role: 'editor' })
  const there = await store.grant(await store.account({ tenantId: two.id }), { role: 'editor' })
  const number = (await findAccount(store.database, there, 'test'))?.tenantNumber
  const list = async (by: {
    tenantId?: string
    tenantNumber?: number | undefined
    role?: string
    limit?: number
    offset?: number
  }) => {
    const { total, rows } = await listAccounts(store.database, {
      contract: 'test',
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
  expect(await list({})).toEqual([4, [person, editor, foreign, there]])
  expect(await list({ tenantId: one.id })).toEqual([3, [person, editor, foreign]])
  expect(await list({ tenantNumber: number })).toEqual([1, [there]])
  expect(await list({ tenantId: one.id, tenantNumber: number })).toEqual([0, []])
  expect(await list({ role: 'editor' })).toEqual([2, [editor, there]])
  expect(await list({ role: 'user' })).toEqual([2, [person, foreign]])
  expect(await list({ role: 'editor', tenantId: one.id })).toEqual([1, [editor]])
  expect(await list({ limit: 1, offset: 2 })).toEqual([4, [foreign]])
})

describe('the last administrator', () => {
  test.each([
    ['is who is the only one', [], true],
    ['is who is the only active one', [{ active: false, administrator: true }], true],
    ['is who is beside others without that role', [{ administrator: false }], true],
    ['is not who is beside another', [{ administrator: true }], false],
  ])('%s', async (_what, others: { active?: boolean; administrator: boolean }[], alone) => {
    const [ours, theirs] = [contract(), contract()]
    const id = await store.account()
    await store.grant(id, { contract: ours, administrator: true })
    await store.grant(id, { contract: theirs, role: 'editor' })
    await store.grant(await store.account(), { contract: theirs, administrator: true })
    for (const { active, administrator } of others)
      await store.grant(await store.account({ active: active ?? true }), { contract: ours, administrator })
    expect(await contractsAdministeredAlone(store.database, id)).toEqual(alone ? [{ contract: ours }] : [])
  })

  test('may be inactive, and is one of each contract by itself', async () => {
    const contracts = [contract(), contract()].sort()
    const id = await store.account({ active: false })
    for (const one of contracts) await store.grant(id, { contract: one, administrator: true })
    const alone = await contractsAdministeredAlone(store.database, id)
    expect(alone.map((one) => one.contract).sort()).toEqual(contracts)
  })

  test('is of this contract, and has that role', async () => {
    const [ours, theirs] = [contract(), contract()]
    await store.grant(await store.account(), { contract: ours, role: 'editor' })
    await store.grant(await store.account(), { contract: theirs, administrator: true })
    expect(await hasAdministrator(store.database, ours)).toBe(false)
    expect(await hasAdministrator(store.database, theirs)).toBe(true)
  })
})

describe('who reaches beyond what an administrator administers', () => {
  interface Reach {
    role?: string
    administers?: string
    edits?: string
    came?: readonly [action: string, by: string]
    cameElse?: boolean
    arrivals?: boolean
  }
  test.each<[string, Reach, boolean]>([
    ['nobody without a role', {}, false],
    ['nobody with a role here', { role: 'here' }, false],
    ['somebody with a role elsewhere', { role: 'elsewhere' }, true],
    ['nobody with a role where the administrator is one too', { role: 'elsewhere', administers: 'elsewhere' }, false],
    ['somebody with a role where the administrator only has one', { role: 'elsewhere', edits: 'elsewhere' }, true],
    ['somebody with a role in a third place', { role: 'third', administers: 'elsewhere' }, true],
    ['somebody who registered elsewhere', { came: ['register', 'elsewhere'], arrivals: true }, true],
    ['somebody who was imported elsewhere', { came: ['import', 'elsewhere'], arrivals: true }, true],
    ['nobody who registered here', { came: ['register', 'here'], arrivals: true }, false],
    ['nobody who only signed in elsewhere', { came: ['login', 'elsewhere'], arrivals: true }, false],
    [
      'nobody who registered elsewhere, where that does not count',
      { came: ['register', 'elsewhere'], arrivals: false },
      false,
    ],
    [
      'nobody when it was somebody else who came',
      { came: ['register', 'elsewhere'], cameElse: true, arrivals: true },
      false,
    ],
  ])('%s', async (_what, { role, administers, edits, came, cameElse, arrivals = false }, beyond) => {
    const [accountId, administratorId] = [await store.account(), await store.account()]
    await store.grant(administratorId, { contract: 'here', administrator: true })
    if (role) await store.grant(accountId, { contract: role })
    if (administers) await store.grant(administratorId, { contract: administers, administrator: true })
    if (edits) await store.grant(administratorId, { contract: edits })
    if (came) await store.activity(cameElse ? administratorId : accountId, ...came)
    expect(await reachesBeyond(store.database, { accountId, administratorId, contract: 'here', arrivals })).toBe(beyond)
  })
})

describe('a change', () => {
  test('of the state ends the sessions of who is deactivated, and is none when nothing changes', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    const sessions = {
      own: await store.session({ accountId }),
      'ended before': await store.session({ accountId, ended: '-1 hour' }),
      'of somebody else': await store.session({ accountId: other }),
    }
    const set = (active: boolean) => setActive(store.database, { accountId, active, until, eventId: newId() })
    await set(true)
    expect(await stateOf(accountId)).toMatchObject({ version: 1, active: true, events: 0, revocations: 0 })
    await set(false)
    expect(await stateOf(accountId)).toMatchObject({ version: 2, active: false, events: 1, revocations: 1 })
    expect(await store.having('sessions.ended', sessions)).toEqual(['own'])
    const later = { later: await store.session({ accountId }) }
    await set(true)
    expect(await stateOf(accountId)).toMatchObject({ version: 3, active: true, events: 2, revocations: 2 })
    expect(await store.having('sessions.ended', later)).toEqual([])
    expect(await stateOf(other)).toMatchObject({ version: 1, active: true, events: 0, revocations: 0 })
    const told = sql<{
      type: string
    }>`SELECT type FROM outbox_events WHERE aggregate_id = ${accountId} ORDER BY sequence`
    expect((await store.database.many(told)).map(({ type }) => type)).toEqual([
      'account.deactivated',
      'account.activated',
    ])
  })

  test('of a role, of the name and of the second factor is of that account alone', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    for (const id of [accountId, other]) await store.grant(id, { contract: 'other', role: 'kept' })
    await setRole(store.database, {
      accountId,
      contract: 'test',
      role: 'editor',
      administrator: false,
      until,
      eventId: newId(),
    })
    const rename = () =>
      changePerson(store.database, { accountId, displayName: 'Ada', preferences: undefined, eventId: newId() })
    for (const time of [2, 2]) {
      await rename()
      expect((await stateOf(accountId))?.events).toBe(time)
    }
    expect([
      await setSecondFactor(store.database, accountId, true),
      await setSecondFactor(store.database, accountId, true),
    ]).toEqual([1, 0])
    expect(await stateOf(accountId)).toEqual({
      version: 2,
      active: true,
      secondFactor: true,
      name: 'Ada',
      events: 2,
      revocations: 1,
    })
    expect(await stateOf(other)).toEqual({
      version: 1,
      active: true,
      secondFactor: false,
      name: null,
      events: 0,
      revocations: 0,
    })
    expect((await findSummary(store.database, accountId))?.roles).toHaveLength(2)
    expect((await findSummary(store.database, other))?.roles).toEqual([{ contract: 'other', role: 'kept' }])
    expect(await findSummary(store.database, newId())).toBeUndefined()
  })

  test.each([true, false])('that removes an account retires its name where that is wanted: %s', async (retire) => {
    const [accountId, other] = [await store.account({ username: `Gone-${newId()}` }), await store.account()]
    const { username } = (await findAccount(store.database, accountId, 'test')) ?? { username: '' }
    await removeAccount(store.database, { accountId, until, eventId: newId(), retire })
    expect(await findAccount(store.database, accountId, 'test')).toBeUndefined()
    expect(await stateOf(other)).toMatchObject({ version: 1, events: 0, revocations: 0 })
    const { retired } = await store.database.one(sql<{ retired: boolean }>`
      SELECT EXISTS (SELECT FROM retired_usernames WHERE username_hash = sha256(convert_to(${username.toLowerCase()}, 'UTF8'))) AS retired`)
    expect(retired).toBe(retire)
  })
})
