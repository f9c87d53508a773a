import { describe, expect, test } from 'vitest'
import { identityStore } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import {
  findStanding,
  hasAdministrator,
  insertMembership,
  type NewMembership,
  realmsAdministeredAlone,
  removeMembership,
  setActive,
  setRole,
} from './memberships.ts'

const store = identityStore('memberships')
const until = new Date()
const realm = () => `realm-${newId()}`
const address = () => `${newId()}@example.org`

/** An account's membership of each realm: state, role, whether it administers, version. */
const membershipsOf = async (accountId: string): Promise<Record<string, unknown[]>> => {
  const rows = await store.database.many(
    sql<{
      realm: string
      state: string
      role: string | null
      administrator: boolean
      version: number
    }>`SELECT realm, state, role, administrator, version FROM memberships WHERE account_id = ${accountId}`,
  )
  return Object.fromEntries(
    rows.map(({ realm, state, role, administrator, version }) => [realm, [state, role, administrator, version]]),
  )
}
/** What a change of a membership moves beside it: version and revision of the account, events, and what is revoked. */
const traceOf = async (accountId: string) => ({
  ...(await store.database.one(sql<{ version: number; revision: number; sequence: number }>`
    SELECT version, revision, sequence FROM accounts WHERE id = ${accountId}`)),
  events: await store.database.many(sql<{ type: string; data: unknown }>`
    SELECT type, data FROM outbox_events WHERE aggregate_id = ${accountId} ORDER BY sequence`),
  revoked: await store.database.many(sql<{ realm: string; version: number }>`
    SELECT realm, minimum_version AS version FROM revocations WHERE account_id = ${accountId} ORDER BY id`),
})
const untouched = { version: 1, revision: 1, sequence: 0, events: [], revoked: [] }

describe('the last administrator', () => {
  test.each([
    ['is who is the only one', [], true],
    ['is who is the only active one', [{ state: 'inactive', administrator: true }], true],
    ['is who is beside one that waits', [{ state: 'pending', administrator: true }], true],
    ['is who is beside others without that role', [{ administrator: false }], true],
    ['is not who is beside another', [{ administrator: true }], false],
  ] as const)('%s', async (_what, others, alone) => {
    const [ours, theirs] = [realm(), realm()]
    const id = await store.account()
    await store.member(id, { realm: ours, administrator: true })
    await store.member(id, { realm: theirs, role: 'editor' })
    await store.member(await store.account(), { realm: theirs, administrator: true })
    for (const other of others) await store.member(await store.account(), { realm: ours, ...other })
    expect(await realmsAdministeredAlone(store.database, id)).toEqual(alone ? [{ realm: ours }] : [])
  })

  test('may be inactive, and is one of each realm by itself', async () => {
    const realms = [realm(), realm()].sort()
    const id = await store.account()
    for (const one of realms) await store.member(id, { realm: one, administrator: true, state: 'inactive' })
    const alone = await realmsAdministeredAlone(store.database, id)
    expect(alone.map((one) => one.realm).sort()).toEqual(realms)
  })

  test('of one realm is not of another that has two', async () => {
    const [alone, shared] = [realm(), realm()]
    const id = await store.account()
    for (const one of [alone, shared]) await store.member(id, { realm: one, administrator: true })
    const other = await store.member(await store.account(), { realm: shared, administrator: true })
    // That they are inactive elsewhere says nothing here.
    await store.member(other, { realm: alone, administrator: true, state: 'inactive' })
    expect(await realmsAdministeredAlone(store.database, id)).toEqual([{ realm: alone }])
    expect(await realmsAdministeredAlone(store.database, other)).toEqual([])
  })

  test('is of this realm, and has that role', async () => {
    const [ours, theirs] = [realm(), realm()]
    await store.member(await store.account(), { realm: ours, role: 'editor' })
    await store.member(await store.account(), { realm: theirs, administrator: true })
    expect(await hasAdministrator(store.database, ours)).toBe(false)
    expect(await hasAdministrator(store.database, theirs)).toBe(true)
  })
})

describe('a change of state', () => {
  test('ends the sessions of the realm, and is none when nothing changes', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    await store.member(accountId, { realm: 'other', role: 'kept' })
    const sessions = {
      own: await store.session({ accountId }),
      'ended before': await store.session({ accountId, ended: '-1 hour' }),
      'of another realm': await store.session({ accountId, contract: 'other' }),
      'of somebody else': await store.session({ accountId: other }),
    }
    const set = (active: boolean) =>
      setActive(store.database, { accountId, realm: 'test', active, until, eventId: newId() })
    await set(true)
    expect(await traceOf(accountId)).toEqual(untouched)
    await set(false)
    expect(await traceOf(accountId)).toMatchObject({
      version: 1,
      revision: 2,
      revoked: [{ realm: 'test', version: 2 }],
    })
    expect(await store.having('sessions.ended', sessions)).toEqual(['own'])
    await set(false)
    const later = { later: await store.session({ accountId }) }
    await set(true)
    expect(await traceOf(accountId)).toEqual({
      version: 1,
      revision: 3,
      sequence: 2,
      events: [
        { type: 'membership.deactivated', data: { realm: 'test' } },
        { type: 'membership.activated', data: { realm: 'test' } },
      ],
      revoked: [
        { realm: 'test', version: 2 },
        { realm: 'test', version: 3 },
      ],
    })
    expect(await store.having('sessions.ended', later)).toEqual([])
    expect(await membershipsOf(accountId)).toEqual({
      test: ['active', null, false, 2],
      other: ['active', 'kept', false, 0],
    })
    expect(await traceOf(other)).toEqual(untouched)
    expect(await membershipsOf(other)).toEqual({ test: ['active', null, false, 0] })
  })

  test.each([
    ['who waits is let in', 'pending', true, 'active', 1],
    ['who waits goes on waiting', 'pending', false, 'pending', 0],
    ['who was removed is not brought back', 'removed', true, 'removed', 0],
    ['who was removed is not made inactive', 'removed', false, 'removed', 0],
  ] as const)('%s', async (_what, state, active, after, times) => {
    const accountId = await store.account({ state })
    await setActive(store.database, { accountId, realm: 'test', active, until, eventId: newId() })
    expect(await membershipsOf(accountId)).toEqual({ test: [after, null, false, times] })
    expect((await traceOf(accountId)).events).toHaveLength(times)
  })
})

describe('a role', () => {
  test('is of that member in that realm alone, and refuses the tokens from before there', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    for (const id of [accountId, other]) await store.member(id, { realm: 'other', role: 'kept' })
    const session = { session: await store.session({ accountId }) }
    const by = { accountId, realm: 'test', role: 'editor', until }
    await setRole(store.database, { ...by, administrator: true, eventId: newId() })
    expect(await membershipsOf(accountId)).toEqual({
      test: ['active', 'editor', true, 1],
      other: ['active', 'kept', false, 0],
    })
    expect(await traceOf(accountId)).toEqual({
      version: 1,
      revision: 2,
      sequence: 1,
      events: [{ type: 'membership.role_changed', data: { realm: 'test', role: 'editor' } }],
      revoked: [{ realm: 'test', version: 2 }],
    })
    expect(await store.having('sessions.ended', session)).toEqual([])
    expect(await membershipsOf(other)).toEqual({
      test: ['active', null, false, 0],
      other: ['active', 'kept', false, 0],
    })
    expect(await traceOf(other)).toEqual(untouched)
  })

  test.each([
    ['is not given to who was removed', 'removed'],
    ['is not given to who is no member', null],
  ] as const)('%s', async (_what, state) => {
    const accountId = await store.account({ state })
    const before = await membershipsOf(accountId)
    const by = { accountId, realm: 'test', role: 'editor', administrator: true, until, eventId: newId() }
    expect(await setRole(store.database, by)).toBe(0)
    expect(await membershipsOf(accountId)).toEqual(before)
    expect(await traceOf(accountId)).toEqual(untouched)
  })
})

describe('the end of a membership', () => {
  const remove = (accountId: string, from = 'test') =>
    removeMembership(store.database, { accountId, realm: from, until, eventId: newId() })

  test('ends what is open in the realm, in no other and of nobody else', async () => {
    const [accountId, other] = [await store.account({ email: address() }), await store.account()]
    await store.member(accountId, { role: 'admin', administrator: true })
    await store.member(accountId, { realm: 'other', role: 'kept' })
    const every = (plant: (by: { accountId: string; contract?: string }) => Promise<string>) =>
      Promise.all([plant({ accountId }), plant({ accountId, contract: 'other' }), plant({ accountId: other })])
    const named = ([own = '', elsewhere = '', elses = '']: string[]) => ({ own, elsewhere, elses })
    const sessions = named(await every((by) => store.session(by)))
    const codes = named(await every((by) => store.challenge(by)))
    const links = named(await every((by) => store.link(by)))
    expect(await remove(accountId)).toEqual({ others: 1 })
    expect(await store.having('sessions.ended', sessions)).toEqual(['own'])
    expect(await store.having('codes.revoked', codes)).toEqual(['own'])
    expect(await store.having('links.revoked', links)).toEqual(['own'])
    expect(await membershipsOf(accountId)).toEqual({
      test: ['removed', null, false, 1],
      other: ['active', 'kept', false, 0],
    })
    expect(await traceOf(accountId)).toEqual({
      version: 1,
      revision: 2,
      sequence: 1,
      events: [{ type: 'membership.ended', data: { realm: 'test', since: expect.any(String) } }],
      revoked: [{ realm: 'test', version: 2 }],
    })
    expect(await traceOf(other)).toEqual(untouched)
    expect(await remove(accountId)).toBeUndefined()
    expect((await traceOf(accountId)).events).toHaveLength(1)
  })

  test.each([
    ['is the last without another', [], 0],
    ['is the last beside one that is over', [{ realm: 'other', state: 'removed' }], 0],
    ['is not the last beside an inactive one', [{ realm: 'other', state: 'inactive' }], 1],
    ['is not the last beside one that waits', [{ realm: 'other', state: 'pending' }, { realm: 'third' }], 2],
  ] as const)('%s', async (_what, others, left) => {
    const accountId = await store.account()
    for (const one of others) await store.member(accountId, one)
    await store.member(await store.account(), { realm: 'other' })
    expect(await remove(accountId)).toEqual({ others: left })
    expect(await remove(accountId, 'nowhere')).toBeUndefined()
  })
})

describe('a new membership', () => {
  const insert = (accountId: string, by: Partial<NewMembership> = {}) =>
    insertMembership(store.database, {
      accountId,
      realm: 'test',
      grant: undefined,
      state: 'active',
      origin: 'joined',
      action: 'join',
      events: JSON.stringify([
        { id: newId(), type: 'membership.started', data: { realm: 'test' } },
        { id: newId(), type: 'test.registered', data: { own: true } },
      ]),
      mailId: newId(),
      ip: '192.0.2.7',
      userAgent: 'agent',
      ...by,
    })
  const seenOf = async (accountId: string) => ({
    mails: (
      await store.database.many(sql<{ kind: string; contract: string }>`
        SELECT kind, contract FROM mail_jobs WHERE account_id = ${accountId} ORDER BY id`)
    ).map(({ kind, contract }) => `${kind} ${contract}`),
    activities: (
      await store.database.many(sql<{ entry: string }>`
        SELECT action || ' ' || contract || ' ' || host(ip) AS entry FROM activities WHERE account_id = ${accountId} ORDER BY id`)
    ).map(({ entry }) => entry),
  })

  test('is told with what is known of the account, mailed about and logged', async () => {
    const email = address()
    const accountId = await store.account({ email, proven: true, state: null, username: email })
    await store.member(accountId, { realm: 'other', role: 'kept' })
    expect(await insert(accountId)).toBe(true)
    expect(await membershipsOf(accountId)).toEqual({
      test: ['active', null, false, 0],
      other: ['active', 'kept', false, 0],
    })
    const { events, ...rest } = await traceOf(accountId)
    expect(rest).toEqual({ version: 1, revision: 1, sequence: 2, revoked: [] })
    expect(events).toEqual([
      {
        type: 'membership.started',
        data: {
          realm: 'test',
          number: expect.any(Number),
          tenant: 'main',
          username: email,
          email,
          displayName: null,
          createdAt: expect.any(String),
          since: expect.any(String),
        },
      },
      { type: 'test.registered', data: { own: true } },
    ])
    expect(await seenOf(accountId)).toEqual({ mails: ['joined test'], activities: ['join test 192.0.2.7'] })
  })

  test('is not made of one that is there, and tells nobody', async () => {
    for (const state of ['active', 'inactive', 'pending'] as const) {
      const accountId = await store.account({ email: address(), proven: true, state })
      await store.member(accountId, { role: 'kept', administrator: true, state, version: 3 })
      expect(await insert(accountId, { grant: { role: 'admin', administrator: false } })).toBe(false)
      expect(await membershipsOf(accountId)).toEqual({ test: [state, 'kept', true, 3] })
      expect(await traceOf(accountId)).toEqual(untouched)
      expect(await seenOf(accountId)).toEqual({ mails: [], activities: [] })
    }
  })

  test.each([
    ['without the role of before', undefined, [null, false]],
    ['with the role that is given now', { role: 'admin', administrator: true }, ['admin', true]],
  ] as const)('takes the place of one that is over, %s', async (_what, grant, [role, administrator]) => {
    const accountId = await store.account({ email: address(), proven: true })
    await store.member(accountId, { role: 'editor', administrator: true, state: 'removed', version: 4 })
    await store.database.run(
      sql`UPDATE memberships SET since = now() - interval '1 year' WHERE account_id = ${accountId}`,
    )
    expect(await insert(accountId, { grant, origin: 'added', action: 'add' })).toBe(true)
    expect(await membershipsOf(accountId)).toEqual({ test: ['active', role, administrator, 5] })
    const row = await store.database.one(sql<{ origin: string; fresh: boolean }>`
      SELECT origin, since > now() - interval '1 minute' AS fresh FROM memberships WHERE account_id = ${accountId}`)
    expect(row).toEqual({ origin: 'added', fresh: true })
    expect(await seenOf(accountId)).toEqual({ mails: ['added test'], activities: ['add test 192.0.2.7'] })
  })

  test('is mailed about to a proven address alone', async () => {
    const accounts = [await store.account({ state: null }), await store.account({ email: address(), state: null })]
    for (const accountId of accounts) {
      expect(await insert(accountId, { state: 'pending' })).toBe(true)
      expect((await seenOf(accountId)).mails).toEqual([])
      expect(await membershipsOf(accountId)).toEqual({ test: ['pending', null, false, 0] })
    }
  })
})

test('where somebody stands is told of that realm, and of who is there', async () => {
  const email = address()
  const id = await store.account({ email, proven: true, state: null })
  await store.member(id, { realm: 'left', state: 'removed' })
  const about = { tenantName: 'main', email, emailVerified: true, displayName: null, revision: 1 }
  expect(await findStanding(store.database, id, 'test')).toEqual({ ...about, state: null })
  expect(await findStanding(store.database, id, 'left')).toEqual({ ...about, state: 'removed' })
  expect(await findStanding(store.database, newId(), 'test')).toBeUndefined()
})
