import { describe, expect, test } from 'vitest'
import { identityStore, mainTenant } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import { findImportConflicts, type ImportedRow, insertImported } from './imports.ts'
import { findAbandoned, findHolder, heldUnprovenElsewhere, insertAccount } from './new-accounts.ts'

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
  state?: 'active' | 'pending'
  grant?: { role: string; administrator: boolean }
}): Promise<boolean> => {
  const verification = by.mails ? { id: newId(), mailId: newId(), expiresAt: new Date() } : undefined
  const created = await insertAccount(store.database, {
    id: newId(),
    emailVerified: false,
    secondFactor: false,
    displayName: null,
    passwordHash: null,
    locale: 'en',
    state: 'active',
    realm: 'test',
    origin: 'registered',
    grant: undefined,
    verification,
    events: JSON.stringify([
      { id: newId(), type: 'account.registered', data: {} },
      { id: newId(), type: 'membership.started', data: {} },
    ]),
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

/** Imports an account of that name and tenant; gives how many were written, and how many joined. */
const importOne = (tenant: string, username: string, by: Partial<ImportedRow> = {}) => {
  const state = { administrator: false, locale: 'en', active: true, createdAt: null } as const
  const row = { id: newId(), eventIds: [newId(), newId()] as const, tenant, username, ...unsaid, ...state, ...by }
  return insertImported(store.database, [row], 'test')
}
const leftOut = { written: 0, joined: 0 }
const written = { written: 1, joined: 0 }
const joined = { written: 0, joined: 1 }

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
      findImportConflicts(
        store.database,
        [{ position: 7, tenant: tenants.here.name.toUpperCase(), username: name, provenEmail: null }],
        'test',
      )
    expect((await findHolder(store.database, tenants.here.id, name, 'test')) !== undefined).toBe(taken)
    expect(await conflicts()).toEqual(taken ? [{ position: 7, kind: 'username' }] : [])
    expect(await insert({ tenantId: tenants.here.id, username: name.toUpperCase() })).toBe(!taken)
  })

  test('that was retired is not imported into its tenant', async () => {
    const [here, there] = [await store.tenant(), await store.tenant()]
    const name = address()
    await retire(here.id, name)
    expect(await importOne(here.name.toUpperCase(), name.toUpperCase())).toEqual(leftOut)
    expect(await importOne(here.name, address())).toEqual(written)
    expect(await importOne(there.name, name)).toEqual(written)
  })

  test.each([
    ['a member', 'active', 'active'],
    ['an inactive member', 'inactive', 'inactive'],
    ['who was removed', 'removed', 'removed'],
    ['no member', null, null],
  ] as const)('has a holder who is told to be %s of the realm that asks', async (_what, state, told) => {
    const { id: tenantId } = await store.tenant()
    const email = address()
    const id = await store.account({ tenantId, username: email, email, proven: true, state })
    await store.member(id, { realm: 'other' })
    const holder = { id, number: expect.any(Number), emailVerified: true }
    expect(await findHolder(store.database, tenantId, email.toUpperCase(), 'test')).toEqual({ ...holder, state: told })
    expect(await findHolder(store.database, tenantId, email, 'other')).toEqual({ ...holder, state: 'active' })
  })

  test('is held by who proved it before who is only named by it, and by nobody once it was retired', async () => {
    const { id: tenantId } = await store.tenant()
    const [email, gone] = [address(), address()]
    const named = await store.account({ tenantId, username: email, email })
    expect(await findHolder(store.database, tenantId, email, 'test')).toMatchObject({ id: named, emailVerified: false })
    const proven = await store.account({ tenantId, email, proven: true })
    expect(await findHolder(store.database, tenantId, email, 'test')).toMatchObject({ id: proven, emailVerified: true })
    await retire(tenantId, gone)
    expect(await findHolder(store.database, tenantId, gone, 'test')).toEqual({
      id: null,
      number: null,
      emailVerified: null,
      state: null,
    })
  })

  test.each<[string, { proven: boolean; there?: boolean; state?: 'active' | 'removed' | null }, string | undefined]>([
    ['is in the way where a member proved it', { proven: true }, 'email'],
    ['is in the way where it was proven by who was removed', { proven: true, state: 'removed' }, 'email'],
    ['joins where somebody of another realm proved it', { proven: true, state: null }, 'joins'],
    ['is not in the way while nobody proved it', { proven: false }, undefined],
    ['is not in the way while nobody of another realm proved it', { proven: false, state: null }, undefined],
    ['is not in the way in another tenant', { proven: true, there: true }, undefined],
  ])('that is an address %s', async (_what, { proven, there, state = 'active' }, kind) => {
    const [here, elsewhere] = [await store.tenant(), await store.tenant()]
    const email = address()
    const tenantId = there ? elsewhere.id : here.id
    const id = await store.account({ tenantId, email: email.toUpperCase(), proven, state })
    await store.member(id, { realm: 'other' })
    const found = await findImportConflicts(
      store.database,
      [
        { position: 1, tenant: here.name, username: `name-${newId()}`, provenEmail: email },
        { position: 2, tenant: here.name, username: `name-${newId()}`, provenEmail: address() },
      ],
      'test',
    )
    expect(found).toEqual(kind ? [{ position: 1, kind }] : [])
    const outcome = await importOne(here.name, `name-${newId()}`, { email, emailVerified: true })
    expect(outcome).toEqual(kind === 'joins' ? joined : kind === 'email' ? leftOut : written)
  })
})

describe('an imported account', () => {
  const eventsOf = (id: string) =>
    store.database.many(sql<{ type: string; sequence: number; data: Record<string, unknown> }>`
      SELECT type, sequence, data FROM outbox_events WHERE aggregate_id = ${id} ORDER BY sequence`)

  test('that is new is registered and then a member, with its role', async () => {
    const { name: tenant } = await store.tenant()
    const [id, email] = [newId(), address()]
    const row = { id, email, emailVerified: true, role: 'admin', administrator: true, active: false }
    expect(await importOne(tenant.toUpperCase(), email, row)).toEqual(written)
    const known = { tenant, username: email, email, displayName: null }
    expect(await eventsOf(id)).toEqual([
      {
        type: 'account.registered',
        sequence: 1,
        data: { ...known, number: expect.any(Number), createdAt: expect.any(String) },
      },
      {
        type: 'membership.started',
        sequence: 2,
        data: {
          ...known,
          number: expect.any(Number),
          createdAt: expect.any(String),
          realm: 'test',
          role: 'admin',
          origin: 'imported',
          since: expect.any(String),
        },
      },
    ])
    const made = await store.database.one(sql`
      SELECT a.sequence, m.state, m.role, m.administrator, m.origin
        FROM accounts a JOIN memberships m ON m.account_id = a.id AND m.realm = 'test' WHERE a.id = ${id}`)
    expect(made).toEqual({ sequence: 2, state: 'inactive', role: 'admin', administrator: true, origin: 'imported' })
  })

  test('whose proven address is known becomes a membership, and keeps name and password', async () => {
    const { id: tenantId, name: tenant } = await store.tenant()
    const email = address()
    const id = await store.account({ tenantId, username: 'kept', email, proven: true, state: null })
    const stranger = await store.account({ tenantId, email: address(), proven: true, state: null })
    for (const one of [id, stranger]) await store.member(one, { realm: 'other', role: 'editor' })
    await store.database.run(sql`UPDATE accounts SET password_hash = 'their own' WHERE id = ${id}`)
    const row = { email: email.toUpperCase(), emailVerified: true, passwordHash: 'imported', role: 'user' }
    expect(await importOne(tenant, `name-${newId()}`, row)).toEqual(joined)
    const { accounts, hash } = await store.database.one(sql<{ accounts: number; hash: string }>`
      SELECT (SELECT count(*) FROM accounts WHERE tenant_id = ${tenantId}) AS accounts, password_hash AS hash
        FROM accounts WHERE id = ${id}`)
    expect({ accounts, hash }).toEqual({ accounts: 2, hash: 'their own' })
    const events = await eventsOf(id)
    expect(events).toMatchObject([
      { type: 'membership.started', sequence: 1, data: { username: 'kept', email, role: 'user', origin: 'imported' } },
    ])
    const memberships = await store.database.many(sql<{ realm: string; role: string }>`
      SELECT realm, role FROM memberships WHERE account_id IN (${id}, ${stranger}) ORDER BY account_id, realm`)
    expect(memberships).toEqual([
      { realm: 'other', role: 'editor' },
      { realm: 'test', role: 'user' },
      { realm: 'other', role: 'editor' },
    ])
    expect(await importOne(tenant, `name-${newId()}`, row)).toEqual(leftOut)
    expect(await eventsOf(id)).toHaveLength(1)
    expect(await eventsOf(stranger)).toEqual([])
  })
})

describe('an abandoned account', () => {
  interface Found {
    named?: 'address' | 'id' | 'chosen'
    proven?: boolean
    lastLogin?: string
    created?: string
    link?: string
    is?: Parameters<typeof store.member>[1]
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
    ['is found when it registered in another realm', { is: { realm: 'other', role: null } }, true],
    ['is not found when it was given a role', { is: { role: 'user' } }, false],
    ['is not found when it was given a role in another realm', { is: { realm: 'other', role: 'user' } }, false],
    ['is not found when it was imported', { is: { role: null, origin: 'imported' } }, false],
    ['is not found when it was added', { is: { role: null, origin: 'added' } }, false],
    ['is not found when it joined another realm', { is: { realm: 'other', role: null, origin: 'joined' } }, false],
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
    if (by.is) await store.member(accountId, by.is)
    // Somebody else’s link, role and arrival count for nothing.
    await store.link({ accountId: await store.member(await store.account(), { origin: 'imported' }) })
    const row = await findAbandoned(store.database, here.id, by.other ? address() : email)
    expect(row?.id).toBe(found ? accountId : undefined)
  })
})

describe('an address that is a name', () => {
  interface Holder {
    named?: boolean
    proven?: boolean
    /** What it is here; no member, when absent. */
    state?: 'active' | 'inactive' | 'removed'
    there?: boolean
  }
  test.each<[string, Holder[], boolean]>([
    ['is held by nobody', [], false],
    ['is held unproven elsewhere', [{ named: true }], true],
    ['is held unproven elsewhere by who was removed here', [{ named: true, state: 'removed' }], true],
    ['is held when it is proven', [{ named: true, proven: true }], false],
    ['is held when its holder is a member here', [{ named: true, state: 'active' }], false],
    ['is held when its holder is an inactive member here', [{ named: true, state: 'inactive' }], false],
    ['is held by nobody when it is only an address', [{}], false],
    ['is held here by somebody else', [{ named: true }, { state: 'active' }], false],
    ['is held by nobody of this tenant', [{ named: true, there: true }], false],
  ])('%s', async (_what, holders, elsewhere) => {
    const [here, there] = [await store.tenant(), await store.tenant()]
    const email = address()
    for (const { named, proven, state, there: isThere } of holders) {
      const username = named ? email.toUpperCase() : `chosen-${newId()}`
      const tenantId = isThere ? there.id : here.id
      const holder = { tenantId, username, email: email.toUpperCase(), proven: proven ?? false, state: state ?? null }
      await store.member(await store.account(holder), { realm: 'other' })
    }
    await store.account({ tenantId: here.id })
    expect(await heldUnprovenElsewhere(store.database, here.id, email, 'test')).toBe(elsewhere)
  })
})

describe('a new account', () => {
  test.each(['active', 'pending'] as const)('is a member that is %s, with number and beginning told', async (state) => {
    const username = `name-${newId()}`
    expect(await insert({ tenantId: mainTenant, username, state, grant: { role: 'admin', administrator: true } })).toBe(
      true,
    )
    const { id, ...made } = await store.database.one(sql<Record<string, unknown> & { id: string }>`
      SELECT a.id, a.sequence, m.realm, m.state, m.role, m.administrator, m.version, m.origin
        FROM accounts a JOIN memberships m ON m.account_id = a.id WHERE a.username = ${username}`)
    const member = { realm: 'test', state, role: 'admin', administrator: true, version: 0, origin: 'registered' }
    expect(made).toEqual({ sequence: 2, ...member })
    const events = await store.database.many(sql<{ type: string; data: unknown }>`
      SELECT type, data FROM outbox_events WHERE aggregate_id = ${id} ORDER BY sequence`)
    const number = expect.any(Number)
    expect(events).toEqual([
      { type: 'account.registered', data: { number } },
      { type: 'membership.started', data: { number, since: expect.any(String) } },
    ])
  })

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
