import { beforeAll, describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { AccountView } from '../realm/index.ts'

const service = identityService('read_accounts')
const rows = identityRows(service)
const password = 'correct horse'
const context = contextOf(
  realmWith('reading', {
    tenant: 'named',
    roles: {
      person: 'user',
      administrator: 'owner',
      permissions: { user: [], keeper: ['accounts:read'], owner: ['accounts:read', 'tenants:cross'] },
    },
  }),
)

const create = async (username: string, tenant: string, role?: string): Promise<AccountView> => {
  const input = { username, password, tenant, ...(role !== undefined && { role }) }
  return (await service.identity.createAccount(input, context)).account
}
const claims = async ({ username, tenant }: AccountView): Promise<AccessClaims> => {
  const input = { identifier: username, password, tenant: tenant.name }
  const result = await service.identity.login(input, context)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return claimsOf(result.session)
}

describe('a list of accounts', () => {
  const made: AccountView[] = []
  let [keeper, owner]: AccessClaims[] = []
  const list = (by: { tenant?: number; role?: string; limit?: number; offset?: number }, administrator = owner) => {
    if (!administrator) throw new Error('made before the tests')
    return service.identity.accounts.list({ limit: 10, offset: 0, ...by }, administrator, context)
  }
  const namesOf = async (page: ReturnType<typeof list>) => (await page).accounts.map(({ username }) => username)

  beforeAll(async () => {
    for (const [name, tenant, role] of [
      ['ada', 'North', 'keeper'],
      ['bob', 'North', undefined],
      ['cid', 'South', undefined],
      ['dee', 'South', 'owner'],
      ['eve', 'North', undefined],
    ] as const)
      made.push(await create(name, tenant, role))
    const [ada, , , dee] = made
    if (!ada || !dee) throw new Error('nobody was made')
    ;[keeper, owner] = [await claims(ada), await claims(dee)]
  })

  test('is of their own tenant for most, whichever they ask for', async () => {
    expect(await list({}, keeper)).toMatchObject({ total: 3 })
    const south = made[2]?.tenant.number ?? 0
    expect(await namesOf(list({ tenant: south }, keeper))).toEqual(['ada', 'bob', 'eve'])
  })

  test('is of all tenants, or of one, for who may reach into others', async () => {
    expect(await namesOf(list({}))).toEqual(['ada', 'bob', 'cid', 'dee', 'eve'])
    expect(await namesOf(list({ tenant: made[2]?.tenant.number ?? 0 }))).toEqual(['cid', 'dee'])
    expect(await list({ tenant: 999_999 })).toEqual({ total: 0, accounts: [] })
  })

  test('is of one role, in the order of numbers, and by the page', async () => {
    expect(await namesOf(list({ role: 'user' }))).toEqual(['bob', 'cid', 'eve'])
    expect(await namesOf(list({ role: 'keeper' }))).toEqual(['ada'])
    const page = await list({ limit: 2, offset: 1 })
    expect(page.total).toBe(5)
    expect(page.accounts.map(({ username }) => username)).toEqual(['bob', 'cid'])
    expect(await list({ limit: 2, offset: 5 })).toEqual({ total: 5, accounts: [] })
  })

  test('holds no hash', async () => {
    expect(JSON.stringify(await list({}))).not.toMatch(/argon2|passwordHash/)
  })
})

describe('of somebody who is a member of two realms', () => {
  const other = contextOf({ ...context.realm, name: 'reading-too' })
  const joins = async ({ username, tenant }: AccountView) =>
    (await service.identity.login({ identifier: username, password, tenant: tenant.name }, other)).kind
  const page = { limit: 10, offset: 0 }

  test('each realm lists and counts its own members only', async () => {
    const tenant = 'Shared'
    const keeper = await create('shared-keeper', tenant, 'keeper')
    const both = await create('shared-both', tenant)
    await create('shared-here', tenant)
    const removed = await create('shared-removed', tenant)
    for (const one of [keeper, both, removed]) expect(await joins(one)).toBe('session')
    await service.identity.removeMember(removed.id, context)
    const alien = { username: 'shared-there', password, tenant, role: 'keeper' }
    const keeperThere = (await service.identity.createAccount(alien, other)).account
    const here = await service.identity.accounts.list(page, await claims(keeper), context)
    expect(here.accounts.map(({ username }) => username)).toEqual(['shared-keeper', 'shared-both', 'shared-here'])
    expect(here.total).toBe(3)
    const acting = { sid: '', uid: keeperThere.id, ver: 1, tid: '', jti: '', iat: 0, exp: 0 }
    const there = await service.identity.accounts.list(page, acting, other)
    expect(there.accounts.map(({ username, role }) => [username, role])).toEqual([
      ['shared-keeper', 'user'],
      ['shared-both', 'user'],
      ['shared-removed', 'user'],
      ['shared-there', 'keeper'],
    ])
    const number = keeper.tenant.number
    expect(await service.identity.accounts.countByTenant(context)).toContainEqual({ tenant: number, accounts: 3 })
    expect(await service.identity.accounts.countByTenant(other)).toContainEqual({ tenant: number, accounts: 4 })
    expect(await service.identity.accounts.statistics(other)).toMatchObject({ accounts: 4, tenants: 1 })
    const token = await claims(keeper)
    const missing = service.identity.accounts.activitiesOf(removed.number, page, token, context)
    expect(await errorCodeOf(missing)).toBe('identity.not_allowed')
  })

  test('administrators see what was done in their realm, the person what was done in all', async () => {
    const keeper = await create('log-keeper', 'Logs', 'keeper')
    const both = await create('log-both', 'Logs')
    await joins(both)
    const actions = (entries: readonly { action: string }[]) => entries.map(({ action }) => action)
    const token = await claims(keeper)
    const seen = await service.identity.accounts.activitiesOf(both.number, page, token, context)
    expect(actions(seen)).toEqual(['register'])
    expect(actions(await service.identity.accounts.activities({ accountId: both.id, ...page }))).toEqual([
      'login',
      'join',
      'register',
    ])
    const newest = await service.identity.accounts.recentActivities(2, other)
    expect(newest).toMatchObject([
      { action: 'login', accountNumber: both.number },
      { action: 'join', accountNumber: both.number },
    ])
    expect(await service.identity.accounts.recentActivities(2, context)).toMatchObject([
      { action: 'login', accountNumber: keeper.number },
      { action: 'register', accountNumber: both.number },
    ])
  })
})

test('an account is found by its id, with its role in the contract that asks', async () => {
  const { id } = await create('found', 'Found', 'keeper')
  expect(await service.identity.accounts.find(id, context)).toMatchObject({ username: 'found', role: 'keeper' })
  // By a realm with one tenant nobody is found in another, and by none who is no member.
  const find = (one: string) => service.identity.accounts.find(one, contextOf(testRealm))
  await service.database.run(sql`
    INSERT INTO memberships (account_id, realm, state, origin) VALUES (${id}, ${testRealm.name}, 'active', 'joined')`)
  expect(await errorCodeOf(find(id))).toBe('identity.account_not_found')
  const inMain = contextOf(realmWith('in-main', {}))
  const { account } = await service.identity.createAccount({ username: 'in-main', password, role: 'admin' }, inMain)
  expect(await errorCodeOf(find(account.id))).toBe('identity.account_not_found')
  await service.identity.login({ identifier: 'in-main', password }, contextOf(testRealm))
  expect(await find(account.id)).toMatchObject({ role: 'user' })
  expect(await errorCodeOf(service.identity.accounts.find(newId(), context))).toBe('identity.account_not_found')
})

test('what people change of themselves is logged by the names of the fields alone', async () => {
  const { id } = await create('changes', 'Changes')
  await service.identity.accounts.changePerson(id, { displayName: 'A new name' }, context)
  await service.identity.accounts.changePerson(id, { preferences: { theme: 'dark' } }, context)
  expect(await service.identity.accounts.find(id, context)).toMatchObject({
    displayName: 'A new name',
    preferences: { theme: 'dark' },
  })
  expect((await rows.activities(id)).slice(1)).toEqual([
    { action: 'update_profile', details: { fields: ['displayName'] } },
    { action: 'update_profile', details: { fields: ['preferences'] } },
  ])
  const nobody = service.identity.accounts.changePerson(newId(), { displayName: 'x' }, context)
  expect(await errorCodeOf(nobody)).toBe('identity.account_not_found')
})

test('figures count accounts, locks and sessions', async () => {
  const before = await service.identity.accounts.statistics(context)
  const account = await create('counted', 'Counted')
  await claims(account)
  const wrong = { identifier: 'counted', password: 'wrong horse', tenant: 'Counted' }
  for (let turn = 0; turn < testRealm.policy.lockout.failures; turn += 1)
    await errorCodeOf(service.identity.login(wrong, context))
  const foreign = { username: 'uncounted', password, emailVerified: true, email: 'uncounted@example.org' }
  await service.identity.createAccount(foreign, contextOf(testRealm))
  expect(await service.identity.accounts.statistics(context)).toEqual({
    ...before,
    accounts: before.accounts + 1,
    activeAccounts: before.activeAccounts + 1,
    lockedAccounts: before.lockedAccounts + 1,
    activeSessions: before.activeSessions + 1,
    tenants: before.tenants + 1,
  })
  const counts = await service.identity.accounts.countByTenant(context)
  expect(counts).toContainEqual({ tenant: account.tenant.number, accounts: 1 })
})
