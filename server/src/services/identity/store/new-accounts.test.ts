import { describe, expect, test } from 'vitest'
import { identityStore, mainTenant } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import { findImportConflicts, insertImported } from './imports.ts'
import { findAbandoned, heldUnprovenElsewhere, insertAccount, nameTaken } from './new-accounts.ts'

const store = identityStore('new-accounts')
const address = () => `${newId()}@example.org`
const retire = (tenantId: string, name: string) =>
  store.database.run(sql`
    INSERT INTO retired_usernames (tenant_id, username_hash) VALUES (${tenantId}, sha256(convert_to(lower(${name}), 'UTF8')))`)

/** Makes an account of that name and tenant; false when it is refused. */
const insert = async (by: {
  tenantId: string
  username: string
  email?: string
  counter?: Buffer
  mails?: boolean
}): Promise<boolean> => {
  const verification = by.mails ? { id: newId(), mailId: newId(), expiresAt: new Date() } : undefined
  const created = await insertAccount(store.database, {
    id: newId(),
    emailVerified: false,
    secondFactor: false,
    displayName: null,
    passwordHash: null,
    locale: 'en',
    active: true,
    contract: 'test',
    grant: undefined,
    verification,
    events: JSON.stringify([{ id: newId(), type: 'account.registered', data: {} }]),
    ip: null,
    userAgent: undefined,
    ...by,
    email: by.email ?? null,
    counter: by.counter ?? Buffer.from(newId()),
  })
  return created !== undefined
}

const unsaid = {
  email: null,
  emailVerified: false,
  secondFactor: false,
  displayName: null,
  passwordHash: null,
  role: null,
}

/** Imports an account of that name and tenant; false when it is left out. */
const importOne = async (tenant: string, username: string): Promise<boolean> => {
  const state = { administrator: false, locale: 'en', active: true, createdAt: null } as const
  const row = { id: newId(), eventId: newId(), tenant, username, ...unsaid, ...state }
  return (await insertImported(store.database, [row], 'test')) === 1
}

describe('a name', () => {
  test.each([
    ['is free when nobody has it', {}, false],
    ['is taken by who has it', { username: 'here' }, true],
    ['is taken by who has proven it as address', { email: 'here', proven: true }, true],
    ['is free when somebody gave it as address', { email: 'here' }, false],
    ['is taken once it was retired', { retired: 'here' }, true],
    ['is free when somebody has it in another tenant', { username: 'there' }, false],
    ['is free when it is proven as address in another tenant', { email: 'there', proven: true }, false],
    ['is free when it was retired in another tenant', { retired: 'there' }, false],
  ])('%s', async (_what, by: { username?: string; email?: string; proven?: boolean; retired?: string }, taken) => {
    const tenants = { here: await store.tenant(), there: await store.tenant() }
    // Other names of the tenant are in nobody's way.
    await store.account({ tenantId: tenants.here.id, email: address(), proven: true })
    await retire(tenants.here.id, address())
    const at = (by.username ?? by.email ?? by.retired) === 'there' ? tenants.there : tenants.here
    const name = address()
    if (by.username) await store.account({ tenantId: at.id, username: name.toUpperCase() })
    if (by.email) await store.account({ tenantId: at.id, email: name.toUpperCase(), proven: by.proven ?? false })
    if (by.retired) await retire(at.id, name)
    const conflicts = () =>
      findImportConflicts(store.database, [
        { position: 7, tenant: tenants.here.name.toUpperCase(), username: name, provenEmail: null },
      ])
    expect(await nameTaken(store.database, tenants.here.id, name)).toBe(taken)
    expect(await conflicts()).toEqual(taken ? [{ position: 7, kind: 'username' }] : [])
    expect(await insert({ tenantId: tenants.here.id, username: name.toUpperCase() })).toBe(!taken)
  })

  test('that was retired is not imported into its tenant', async () => {
    const [here, there] = [await store.tenant(), await store.tenant()]
    const name = address()
    await retire(here.id, name)
    expect(await importOne(here.name.toUpperCase(), name.toUpperCase())).toBe(false)
    expect(await importOne(here.name, address())).toBe(true)
    expect(await importOne(there.name, name)).toBe(true)
  })

  test.each([
    ['is in the way of a proven one', { proven: true }, true],
    ['is not in the way while nobody proved it', { proven: false }, false],
    ['is not in the way in another tenant', { proven: true, there: true }, false],
  ])('that is an address %s', async (_what, { proven, there }: { proven: boolean; there?: boolean }, conflicts) => {
    const [here, elsewhere] = [await store.tenant(), await store.tenant()]
    const email = address()
    await store.account({ tenantId: there ? elsewhere.id : here.id, email: email.toUpperCase(), proven })
    const found = await findImportConflicts(store.database, [
      { position: 1, tenant: here.name, username: `name-${newId()}`, provenEmail: email },
      { position: 2, tenant: here.name, username: `name-${newId()}`, provenEmail: address() },
    ])
    expect(found).toEqual(conflicts ? [{ position: 1, kind: 'email' }] : [])
  })
})

describe('an abandoned account', () => {
  interface Found {
    named?: 'address' | 'id' | 'chosen'
    proven?: boolean
    lastLogin?: string
    created?: string
    link?: string
    role?: boolean
    came?: readonly [action: string, contract: string]
    there?: boolean
    other?: boolean
  }
  test.each<[string, Found, boolean]>([
    ['is found', {}, true],
    ['is found by the id that it is named by', { named: 'id' }, true],
    ['is found when its link is over', { link: '0' }, true],
    ['is not found under a name that somebody chose', { named: 'chosen' }, false],
    ['is not found once it is proven', { proven: true }, false],
    ['is not found once somebody signed in', { lastLogin: '-1 day' }, false],
    ['is not found within a day', { created: '-23 hours -59 minutes' }, false],
    ['is not found while its link is good', { link: '1 minute' }, false],
    ['is not found when it was given a role', { role: true }, false],
    ['is not found when another contract registered it', { came: ['register', 'other'] }, false],
    ['is not found when it was imported', { came: ['import', 'test'] }, false],
    ['is not found in another tenant', { there: true }, false],
    ['is not found by another address', { other: true }, false],
  ])('%s', async (_what, by, found) => {
    const [here, elsewhere] = [await store.tenant(), await store.tenant()]
    const email = address()
    const accountId = await store.account({
      tenantId: by.there ? elsewhere.id : here.id,
      username: by.named === 'chosen' ? `chosen-${newId()}` : email,
      email: email.toUpperCase(),
      proven: by.proven ?? false,
      created: by.created ?? '-24 hours -1 minute',
      lastLogin: by.lastLogin ?? null,
    })
    if (by.named === 'id')
      await store.database.run(sql`UPDATE accounts SET username = id::text WHERE id = ${accountId}`)
    if (by.link) await store.link({ accountId, expires: by.link })
    if (by.role) await store.grant(accountId)
    await store.activity(accountId, ...(by.came ?? (['register', 'test'] as const)))
    // Somebody else’s link, role and arrival count for nothing.
    const other = await store.account()
    await store.link({ accountId: await store.grant(other) })
    await store.activity(other, 'register')
    const row = await findAbandoned(store.database, here.id, by.other ? address() : email, 'test')
    expect(row?.id).toBe(found ? accountId : undefined)
  })
})

describe('an address that is a name', () => {
  interface Holder {
    named?: boolean
    proven?: boolean
    came?: readonly [action: string, contract: string]
    there?: boolean
  }
  test.each<[string, Holder[], boolean]>([
    ['is held by nobody', [], false],
    ['is held unproven elsewhere', [{ named: true }], true],
    [
      'is held unproven elsewhere by who also is known here otherwise',
      [{ named: true, came: ['login', 'test'] }],
      true,
    ],
    ['is held when it is proven', [{ named: true, proven: true }], false],
    ['is held when its holder came by this contract', [{ named: true, came: ['register', 'test'] }], false],
    ['is held by nobody when it is only an address', [{}], false],
    ['is held here by somebody else', [{ named: true }, { came: ['register', 'test'] }], false],
    ['is held by nobody of this tenant', [{ named: true, there: true }], false],
  ])('%s', async (_what, holders, elsewhere) => {
    const [here, there] = [await store.tenant(), await store.tenant()]
    const email = address()
    for (const { named, proven, came, there: isThere } of holders) {
      const username = named ? email.toUpperCase() : `chosen-${newId()}`
      const tenantId = isThere ? there.id : here.id
      const id = await store.account({ tenantId, username, email: email.toUpperCase(), proven: proven ?? false })
      await store.activity(id, ...(came ?? (['register', 'other'] as const)))
    }
    await store.activity(await store.account({ tenantId: here.id }), 'register')
    expect(await heldUnprovenElsewhere(store.database, here.id, email, 'test')).toBe(elsewhere)
  })
})

describe('a new account', () => {
  test('forgets the failures on its name, when it is made, and nobody else’s', async () => {
    const [taken, elses] = [await store.counter(), await store.counter()]
    const username = `name-${newId()}`
    const made = await store.counter()
    expect(await insert({ tenantId: mainTenant, username, counter: made })).toBe(true)
    expect(await insert({ tenantId: mainTenant, username, counter: taken })).toBe(false)
    expect(await store.counting({ made, taken, elses })).toEqual(['taken', 'elses'])
  })

  test.each([
    ['is mailed a link', 9, {}, true],
    ['is mailed none when its address had ten in the hour', 10, {}, false],
    ['is mailed a link when that was longer ago', 10, { created: '-1 hour' }, true],
    ['is mailed a link when that was another address', 10, { email: 'another@example.org' }, true],
  ])('%s', async (_what, times, link, mailed) => {
    const [email, username] = [address(), `name-${newId()}`]
    for (let time = 0; time < times; time += 1)
      await store.link({ accountId: await store.account(), email: email.toUpperCase(), ...link })
    await insert({ tenantId: mainTenant, username, email, mails: true })
    const mails = await store.database.many(sql`
      SELECT j.id FROM mail_jobs j JOIN accounts a ON a.id = j.account_id WHERE a.username = ${username}`)
    expect(mails).toHaveLength(mailed ? 1 : 0)
  })
})
