import { describe, expect, test } from 'vitest'
import { identityStore, plantAll } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import { changePassword, findLink, findRecoverable, insertLink, useReset, useVerification } from './links.ts'

const store = identityStore('links')
const nobody = { ip: null, userAgent: undefined }
const until = new Date()
const address = () => `${newId()}@example.org`
const fresh = () => Buffer.from(newId())

describe('a link is mailed', () => {
  const mail = (accountId: string, by: { newEmail?: string } = {}) =>
    insertLink(store.database, {
      id: newId(),
      accountId,
      contract: 'test',
      type: 'password_reset',
      expiresAt: until,
      mailId: newId(),
      perHour: 2,
      events: '[]',
      activity: null,
      ...nobody,
      ...by,
    })

  test.each([
    ['when the account has had one', 1, {}, false, true],
    ['not when it has had all of the hour', 2, {}, false, false],
    ['when it had those an hour ago', 2, { created: '-1 hour' }, false, true],
    ['not when it had those just under an hour ago', 2, { created: '-59 minutes' }, false, false],
    ['when it had those to prove an address', 2, { type: 'email_verification' as const }, false, true],
    ['when somebody else had those', 2, {}, true, true],
  ])('%s', async (_what, times, link, elses, mailed) => {
    const [accountId, other] = [await store.account({ email: address() }), await store.account()]
    for (let time = 0; time < times; time += 1) {
      await store.link({ accountId: elses ? other : accountId, email: address(), ...link })
    }
    expect(await mail(accountId)).toBe(mailed)
  })

  test.each([
    ['when the address was mailed nine times', 9, {}, true],
    ['not when it was mailed ten times', 10, {}, false],
    [
      'not when that was by whatever contract, for whatever',
      10,
      { type: 'email_verification' as const, contract: 'other' },
      false,
    ],
    ['when that was an hour ago', 10, { created: '-1 hour' }, true],
    ['when that was another address', 10, { email: 'another@example.org' }, true],
  ])('%s', async (_what, times, link, mailed) => {
    const [email, newEmail] = [address(), address()]
    const accountId = await store.account({ email })
    for (let time = 0; time < times; time += 1) {
      const unknownDevices = await store.account()
      await store.link({ accountId: unknownDevices, email: email.toUpperCase(), ...link })
      await store.link({ accountId: unknownDevices, email: newEmail.toUpperCase(), ...link })
    }
    expect(await mail(accountId)).toBe(mailed)
    expect(await mail(accountId, { newEmail })).toBe(mailed)
  })

  test('where an address is known, the account’s or a new one, and to nobody else', async () => {
    const accountId = await store.account()
    expect(await mail(accountId)).toBe(false)
    expect(await mail(newId(), { newEmail: address() })).toBe(false)
    expect(await mail(accountId, { newEmail: address() })).toBe(true)
  })
})

describe('a link', () => {
  test.each([
    ['open', {}, { used: false, over: false }],
    ['used', { used: '0' }, { used: true, over: false }],
    ['revoked', { revoked: '0' }, { used: false, over: true }],
    ['over', { expires: '0' }, { used: false, over: true }],
    ['of another contract', { contract: 'other' }, undefined],
    ['of another type', { type: 'email_verification' as const }, undefined],
  ])('%s is found as such', async (_what, state, found) => {
    const accountId = await store.account()
    await store.member(accountId, { realm: 'other', role: 'admin' })
    await store.member(await store.account(), { role: 'admin' })
    await store.link({ accountId })
    const id = await store.link({ accountId, ...state })
    const row = await findLink(store.database, { id, type: 'password_reset', contract: 'test' })
    expect(row && { used: row.used, over: row.over }).toEqual(found)
    expect(row?.id).toBe(found && accountId)
    expect(row?.role ?? null).toBeNull()
  })

  test.each([
    ['is used', {}, true],
    ['that was used is not used again', { used: '-1 second' }, false],
    ['that is revoked is not used', { revoked: '-1 second' }, false],
    ['that is over is not used', { expires: '0' }, false],
  ])('%s', async (_what, state, used) => {
    const accountId = await store.account({ email: 'ada@example.org' })
    const by = { contract: 'test', events: '[]', mailId: newId(), ...nobody }
    const reset = await store.link({ accountId, ...state })
    const changed = await useReset(store.database, { ...by, id: reset, passwordHash: 'new', until })
    expect(changed?.id).toBe(used ? accountId : undefined)
    const verification = await store.link({ accountId, type: 'email_verification', email: 'ADA@example.org', ...state })
    const proven = await useVerification(store.database, { ...by, id: verification, enrol: false })
    expect(proven?.id).toBe(used ? accountId : undefined)
  })
})

/** The links of an account and of somebody else in every state. */
const everyLink = (accountId: string, stranger: string, email: string) =>
  plantAll({
    verification: store.link({ accountId, type: 'email_verification', email: address() }),
    reset: store.link({ accountId, email: email.toUpperCase() }),
    'reset by another address': store.link({ accountId, email: address() }),
    'verification of the address': store.link({ accountId, type: 'email_verification', email: email.toUpperCase() }),
    change: store.link({ accountId, type: 'address_change', email: address() }),
    undo: store.link({ accountId, type: 'address_undo', email: address() }),
    used: store.link({ accountId, email: address(), used: '-1 hour' }),
    revoked: store.link({ accountId, email: address(), revoked: '-1 hour' }),
    'of somebody else': store.link({ accountId: stranger, type: 'email_verification', email: address() }),
    'of somebody else, to reset': store.link({ accountId: stranger, email: address() }),
  })
const everyChallenge = (accountId: string, stranger: string) =>
  plantAll({
    open: store.challenge({ accountId }),
    used: store.challenge({ accountId, used: '-1 hour' }),
    revoked: store.challenge({ accountId, revoked: '-1 hour' }),
    'of somebody else': store.challenge({ accountId: stranger }),
  })
const everySession = (accountId: string, stranger: string) =>
  plantAll({
    one: store.session({ accountId }),
    'of another contract': store.session({ accountId, contract: 'other' }),
    'ended before': store.session({ accountId, ended: '-1 hour' }),
    'of somebody else': store.session({ accountId: stranger }),
  })

interface Proving {
  recased?: true
  linkTo?: 'another'
  none?: true
  kept?: Partial<Parameters<typeof store.link>[0]> & { by: 'own' | 'another' | 'elsewhere' }
}

describe('proving an address', () => {
  const prove = (id: string, enrol = false) =>
    useVerification(store.database, { id, contract: 'test', events: '[]', enrol, ...nobody })
  const proofOf = (accountId: string) =>
    store.database.one(sql<{ username: string; email: string | null; proven: boolean }>`
      SELECT username, email, email_verified_at IS NOT NULL AS proven FROM accounts WHERE id = ${accountId}`)

  test('ends the other links that would, and leaves what changes the password or the address', async () => {
    const [email, stranger] = [address(), await store.account()]
    const accountId = await store.account({ email })
    const links = await everyLink(accountId, stranger, email)
    const own = await store.link({ accountId, type: 'email_verification', email })
    await prove(own)
    expect(await store.having('links.revoked', { ...links, own })).toEqual([
      'verification',
      'verification of the address',
    ])
  })

  test.each([
    ['is done for the one that the account has', {}, true],
    ['is done however it is written', { recased: true }, true],
    ['is not done for another one', { linkTo: 'another' }, false],
    ['is not done for an account without one', { none: true }, false],
    ['is not done while another account of the tenant may take it back', { kept: { by: 'another' } }, false],
    ['is done when one of another tenant may', { kept: { by: 'elsewhere' } }, true],
    ['is done when it is the account itself that may', { kept: { by: 'own' } }, true],
    ['is done when that is over', { kept: { by: 'another', expires: '0' } }, true],
    ['is done when that was done', { kept: { by: 'another', used: '-1 second' } }, true],
    ['is done when that was ended', { kept: { by: 'another', revoked: '-1 second' } }, true],
    ['is done when another address is kept', { kept: { by: 'another', email: address() } }, true],
    ['is done when another one is only on its way to it', { kept: { by: 'another', type: 'address_change' } }, true],
  ] as const)('%s', async (_what, given: Proving, done) => {
    const email = address()
    const tenantId = (await store.tenant()).id
    const accountId = await store.account({ tenantId, email: given.none ? null : email })
    const keepers = {
      own: accountId,
      another: await store.account({ tenantId }),
      elsewhere: await store.account({ tenantId: (await store.tenant()).id }),
    }
    if (given.kept) {
      const { by, ...link } = given.kept
      await store.link({ accountId: keepers[by], type: 'address_undo', email: email.toUpperCase(), ...link })
    }
    const linkTo = given.linkTo ? address() : given.recased ? email.toUpperCase() : email
    const proven = await prove(await store.link({ accountId, type: 'email_verification', email: linkTo }))
    expect(proven?.id).toBe(done ? accountId : undefined)
    expect(await proofOf(accountId)).toMatchObject({ email: given.none ? null : email, proven: done })
  })

  test.each([
    ['gives it for a name to who went by the id', {}, 'the address'],
    ['keeps a name that somebody chose', { named: 'chosen' }, 'the name'],
    ['keeps somebody else’s name from being taken', { taken: 'here' }, 'the id'],
    ['takes a name that somebody has in another tenant', { taken: 'elsewhere' }, 'the address'],
  ] as const)('%s', async (_what, given: { named?: string; taken?: 'here' | 'elsewhere' }, after) => {
    const tenants = { here: (await store.tenant()).id, elsewhere: (await store.tenant()).id }
    const email = address()
    const accountId = await store.account({ tenantId: tenants.here, email })
    const username = given.named ? `chosen-${newId()}` : accountId
    await store.database.run(sql`UPDATE accounts SET username = ${username} WHERE id = ${accountId}`)
    await store.account({ tenantId: tenants.here })
    if (given.taken) await store.account({ tenantId: tenants[given.taken], username: email.toUpperCase() })
    await prove(await store.link({ accountId, type: 'email_verification', email }))
    expect((await proofOf(accountId)).username).toBe(after === 'the address' ? email : username)
  })

  test.each([
    [false, false, false],
    [true, false, true],
    [false, true, true],
  ])('turns the second factor on where that is wanted (%s), and never off (%s)', async (enrol, before, after) => {
    const email = address()
    const accountId = await store.account({ email, secondFactor: before })
    await prove(await store.link({ accountId, type: 'email_verification', email }), enrol)
    const { on } = await store.database.one(
      sql<{ on: boolean }>`SELECT second_factor AS on FROM accounts WHERE id = ${accountId}`,
    )
    expect(on).toBe(after)
  })
})

describe('a reset', () => {
  test('ends every session, link and code of the account but what takes it back, and forgets its wrong passwords; nobody else’s', async () => {
    const [email, stranger] = [address(), await store.account()]
    const accountId = await store.account({ email })
    const [links, challenges] = [await everyLink(accountId, stranger, email), await everyChallenge(accountId, stranger)]
    const sessions = await everySession(accountId, stranger)
    const counters = await plantAll({
      own: store.counter({ accountId }),
      'of another contract': store.counter({ accountId, contract: 'other' }),
      'over all contracts': store.counter({ accountId, contract: null }),
      'of somebody else': store.counter({ accountId: stranger }),
    })
    const id = await store.link({ accountId, email })
    await useReset(store.database, {
      id,
      contract: 'test',
      events: '[]',
      passwordHash: 'new',
      until,
      mailId: newId(),
      ...nobody,
    })
    expect(await store.having('links.revoked', { ...links, id })).toEqual([
      'verification',
      'reset',
      'reset by another address',
      'verification of the address',
      'change',
    ])
    expect(await store.having('codes.revoked', challenges)).toEqual(['open'])
    expect(await store.having('sessions.ended', sessions)).toEqual(['one', 'of another contract'])
    expect(await store.counting(counters)).toEqual(['of somebody else'])
  })

  test.each([
    ['proves the address that the link came to', false, false, true],
    ['proves no other address', true, false, false],
    ['leaves a proven one proven', true, true, true],
  ])('%s', async (_what, toAnother, proven, after) => {
    const email = address()
    const accountId = await store.account({ email, proven })
    const id = await store.link({ accountId, email: toAnother ? address() : email.toUpperCase() })
    await useReset(store.database, {
      id,
      contract: 'test',
      events: '[]',
      passwordHash: 'x',
      until,
      mailId: newId(),
      ...nobody,
    })
    const row = sql<{
      proven: boolean
    }>`SELECT email_verified_at IS NOT NULL AS proven FROM accounts WHERE id = ${accountId}`
    expect((await store.database.one(row)).proven).toBe(after)
  })
})

describe('a change of the password', () => {
  const change = (by: {
    accountId: string
    revision?: number
    contract?: string
    sessionId?: string
    counter?: Buffer
  }) =>
    changePassword(store.database, {
      revision: 1,
      sessionId: newId(),
      counter: fresh(),
      passwordHash: 'new',
      contract: 'test',
      until,
      mailId: newId(),
      ...nobody,
      ...by,
    })

  test.each([
    ['is made', {}, undefined, true],
    ['is not made when the account or a membership of it changed', { revision: 2 }, undefined, false],
    ['is not made for another account', { accountId: newId() }, undefined, false],
    ['is not made for who is no active member of the realm', { contract: 'other' }, undefined, false],
    ['is not made when a lock began', {}, { locked: '1 hour' }, false],
    ['is made when a lock has just ended', {}, { locked: '0' }, true],
    ['is made beside a lock of somebody else', {}, { key: fresh(), locked: '1 hour' }, true],
  ])('%s', async (_what, by, lock: { key?: Buffer; locked: string } | undefined, made) => {
    const counter = fresh()
    if (lock) await store.counter({ key: counter, ...lock })
    const accountId = await store.account()
    await store.member(accountId, { realm: 'other', state: 'inactive' })
    expect(await change({ accountId, counter, ...by })).toBe(made)
    const own = lock && !lock.key
    expect(await store.counting({ counter })).toEqual(own && !made ? ['counter'] : [])
  })

  test('ends the other sessions, every code, and what would change the address or the password again', async () => {
    const [email, stranger] = [address(), await store.account()]
    const accountId = await store.account({ email })
    const [links, challenges] = [await everyLink(accountId, stranger, email), await everyChallenge(accountId, stranger)]
    const sessions = await everySession(accountId, stranger)
    const sessionId = await store.session({ accountId })
    const others = await store.counter({ accountId: stranger })
    await change({ accountId, sessionId })
    expect(await store.having('sessions.ended', { ...sessions, own: sessionId })).toEqual([
      'one',
      'of another contract',
    ])
    expect(await store.having('codes.revoked', challenges)).toEqual(['open'])
    expect(await store.having('links.revoked', links)).toEqual([
      'verification',
      'reset',
      'reset by another address',
      'change',
    ])
    expect(await store.counting({ others })).toEqual(['others'])
  })

  test('is mailed about at a proven address', async () => {
    const [proven, unproven] = [
      await store.account({ email: address(), proven: true }),
      await store.account({ email: address() }),
    ]
    for (const accountId of [proven, unproven]) await change({ accountId })
    const told = await store.database.many(
      sql<{
        id: string
      }>`SELECT account_id AS id FROM mail_jobs WHERE kind = 'password_changed' AND account_id IN (${proven}, ${unproven})`,
    )
    expect(told).toEqual([{ id: proven }])
  })
})

describe('what mail to an address may recover', () => {
  const recover = async (email: string, tenant?: string) =>
    (await findRecoverable(store.database, { email, tenant, realm: 'test', limit: 5 })).map(({ id, role }) => [
      id,
      role,
    ])

  test('is whose it is proven to be, else who is named by it; active, and one of each tenant', async () => {
    const [one, two, three] = [await store.tenant(), await store.tenant(), await store.tenant()]
    const email = address()
    await store.account({ tenantId: one.id, username: email, email })
    const proven = await store.account({ tenantId: one.id, email: email.toUpperCase(), proven: true })
    await store.account({ tenantId: two.id, email })
    const named = await store.account({ tenantId: two.id, username: email.toUpperCase(), email })
    await store.account({ tenantId: three.id, email, proven: true, state: 'inactive' })
    await store.account({ tenantId: three.id, email: address(), proven: true })
    await store.member(proven, { realm: 'other', role: 'admin' })
    await store.member(await store.account(), { role: 'admin' })
    expect(await recover(email)).toEqual([
      [proven, null],
      [named, null],
    ])
    expect(await recover(email, one.name.toUpperCase())).toEqual([[proven, null]])
    expect(await recover(email, three.name)).toEqual([])
  })

  test.each([
    ['is a member', 'active', true],
    ['is no member who waits', 'pending', false],
    ['is nobody who was removed', 'removed', false],
    ['is nobody of another realm', null, false],
  ] as const)('%s', async (_what, state, found) => {
    const { id: tenantId } = await store.tenant()
    const email = address()
    const id = await store.account({ tenantId, email, proven: true, state })
    await store.member(id, { realm: 'other', role: null })
    expect(await recover(email)).toEqual(found ? [[id, null]] : [])
  })

  test('is not the account of who only goes by an address that was proven in another realm', async () => {
    const { id: tenantId } = await store.tenant()
    const email = address()
    const squatter = await store.account({ tenantId, username: email, email })
    expect(await recover(email)).toEqual([[squatter, null]])
    await store.account({ tenantId: (await store.tenant()).id, email, proven: true, state: null })
    expect(await recover(email)).toEqual([[squatter, null]])
    await store.account({ tenantId, email: email.toUpperCase(), proven: true, state: null })
    expect(await recover(email)).toEqual([])
  })
})
