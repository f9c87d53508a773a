import { expect, test } from 'vitest'
import { identityStore } from '../../../../tests/support/identity-store.ts'
import { newId } from '../../../platform/ids.ts'
import { countAccounts, countByTenant } from './statistics.ts'

const store = identityStore('statistics')

test('counts are of the tenant or of all; what is locked or signed in is so now, in this contract', async () => {
  const [one, two] = [await store.tenant(), await store.tenant()]
  const email = () => `${newId()}@example.org`
  const ada = await store.account({ tenantId: one.id, email: email(), proven: true, secondFactor: true })
  const eve = await store.account({ tenantId: one.id, state: 'inactive', email: email() })
  const bob = await store.account({ tenantId: two.id })
  // Of another realm, or not any more of this one: neither is counted, nor is their tenant.
  const elsewhere = await store.tenant()
  const foreign = { tenantId: elsewhere.id, secondFactor: true, proven: true }
  await store.member(await store.account({ ...foreign, email: email(), state: null }), { realm: 'other' })
  await store.account({ ...foreign, email: email(), state: 'removed' })
  await store.account({ tenantId: two.id, email: email(), proven: true, state: 'removed' })
  for (const id of [ada, eve, bob]) await store.member(id, { realm: 'other' })
  for (const locked of ['1 hour', '2 hours']) await store.counter({ accountId: ada, locked })
  await store.counter({ accountId: eve, locked: '0' })
  await store.counter({ accountId: eve })
  await store.counter({ accountId: eve, contract: 'other', locked: '1 hour' })
  await store.session({ accountId: ada })
  await store.session({ accountId: ada, contract: 'other' })
  await store.session({ accountId: ada, ended: '-1 second' })
  await store.session({ accountId: ada, expires: '0' })

  const all = { lockedAccounts: 1, activeSessions: 1 }
  const count = (tenant?: string) => countAccounts(store.database, { realm: 'test', tenant })
  expect(await count()).toEqual({
    ...all,
    tenants: 2,
    accounts: 3,
    activeAccounts: 2,
    verifiedAccounts: 1,
    secondFactorAccounts: 1,
  })
  expect(await count(one.name.toUpperCase())).toEqual({
    ...all,
    tenants: 1,
    accounts: 2,
    activeAccounts: 1,
    verifiedAccounts: 1,
    secondFactorAccounts: 1,
  })
  expect(await count(two.name)).toMatchObject({ accounts: 1, verifiedAccounts: 0, tenants: 1 })
  expect(await count(elsewhere.name)).toMatchObject({ accounts: 0, secondFactorAccounts: 0, tenants: 0 })
  const byTenant = async (limit: number, realm = 'test') =>
    (await countByTenant(store.database, realm, limit)).map(({ accounts }) => accounts)
  expect(await byTenant(10)).toEqual([2, 1])
  expect(await byTenant(1)).toEqual([2])
  expect(await byTenant(10, 'other')).toEqual([2, 1, 1])
})
