import { expect, test } from 'vitest'
import { identityStore } from '../../../../tests/support/identity-store.ts'
import { newId } from '../../../platform/ids.ts'
import { countAccounts, countByTenant } from './statistics.ts'

const store = identityStore('statistics')

test('counts are of the tenant or of all; what is locked or signed in is so now, in this contract', async () => {
  const [one, two] = [await store.tenant(), await store.tenant()]
  const email = () => `${newId()}@example.org`
  const ada = await store.account({ tenantId: one.id, email: email(), proven: true, secondFactor: true })
  const eve = await store.account({ tenantId: one.id, active: false, email: email() })
  await store.account({ tenantId: two.id })
  for (const locked of ['1 hour', '2 hours']) await store.counter({ accountId: ada, locked })
  await store.counter({ accountId: eve, locked: '0' })
  await store.counter({ accountId: eve })
  await store.counter({ accountId: eve, contract: 'other', locked: '1 hour' })
  await store.session({ accountId: ada })
  await store.session({ accountId: ada, contract: 'other' })
  await store.session({ accountId: ada, ended: '-1 second' })
  await store.session({ accountId: ada, expires: '0' })

  const all = { lockedAccounts: 1, activeSessions: 1, tenants: 3 }
  const count = (tenant?: string) => countAccounts(store.database, { contract: 'test', tenant })
  expect(await count()).toEqual({
    ...all,
    accounts: 3,
    activeAccounts: 2,
    verifiedAccounts: 1,
    secondFactorAccounts: 1,
  })
  expect(await count(one.name.toUpperCase())).toEqual({
    ...all,
    accounts: 2,
    activeAccounts: 1,
    verifiedAccounts: 1,
    secondFactorAccounts: 1,
  })
  expect(await count(two.name)).toMatchObject({ accounts: 1, verifiedAccounts: 0 })
  const byTenant = await countByTenant(store.database, 2)
  expect(byTenant.map(({ accounts }) => accounts)).toEqual([2, 1])
})
