import { describe, expect, test } from 'vitest'
import { identityStore, plantAll } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import { endChallenge, insertChallenge, takeAttempt, useChallenge } from './challenges.ts'
import { findCredentials, forgetFailures, openSession, recordFailure } from './sign-in.ts'

const store = identityStore('sign-in')
const bytes = (text: string) => Buffer.from(text)
const devices = { device: bytes('my device'), ipPrefix: bytes('my network') }
const counters = {
  device: bytes('of the device'),
  ipPrefix: bytes('of the network'),
  unknownDevices: bytes('of strangers'),
}
const nobody = { ip: null, userAgent: undefined }

/** What the account’s failures are counted under over all realms. */
const counterOf = async (accountId: string) =>
  (await store.database.one(sql<{ key: Buffer }>`SELECT account_counter(${accountId}) AS key`)).key

const lookUp = (by: Partial<Parameters<typeof findCredentials>[1]>) =>
  findCredentials(store.database, {
    tenant: 'main',
    identifier: 'nobody',
    byEmail: true,
    contract: 'test',
    device: devices,
    counters,
    ...by,
  })

describe('who signs in', () => {
  test('is found by the tenant’s own name or proven address, in any case, and by nothing else', async () => {
    const there = await store.tenant()
    const here = await store.tenant()
    const ada = await store.account({ tenantId: there.id, username: 'Ada', email: 'Ada@example.org', proven: true })
    const eve = await store.account({ tenantId: there.id, username: 'eve', email: 'eve@example.org' })
    const found = async (identifier: string, by: { tenant?: string; byEmail?: boolean } = {}) =>
      (await lookUp({ identifier, tenant: there.name, ...by })).id
    expect(await found('aDA')).toBe(ada)
    expect(await found('aDA@EXAMPLE.org')).toBe(ada)
    expect(await found('ada', { tenant: there.name.toLowerCase() })).toBe(ada)
    expect(await found('eve')).toBe(eve)
    expect(await found('ada@example.org', { byEmail: false })).toBeNull()
    expect(await found('eve@example.org')).toBeNull()
    expect(await found('ada', { tenant: here.name })).toBeNull()
    expect(await found('ada@example.org', { tenant: here.name })).toBeNull()
    expect(await found('ada', { tenant: 'no such tenant' })).toBeNull()
  })

  test('has the role of this contract, neither of another nor of somebody else', async () => {
    const id = await store.account({ username: 'ruth' })
    await store.member(await store.account(), { role: 'admin' })
    await store.member(id, { realm: 'other', role: 'admin' })
    expect(await lookUp({ identifier: 'ruth' })).toMatchObject({ id, role: null })
    await store.member(id, { role: 'editor' })
    expect(await lookUp({ identifier: 'ruth' })).toMatchObject({ id, role: 'editor' })
  })

  test.each([
    ['no member', null, undefined, { state: null, active: null, version: 1 }],
    ['an active member', 'active', 4, { state: 'active', active: true, version: 5 }],
    ['an inactive member', 'inactive', 4, { state: 'inactive', active: false, version: 5 }],
    ['a member who waits', 'pending', 4, { state: 'pending', active: false, version: 5 }],
    ['who was removed', 'removed', 4, { state: 'removed', active: false, version: 5 }],
  ] as const)('is told to be %s, with the version of account and membership', async (_what, state, version, told) => {
    const username = newId()
    const id = await store.account({ username, state })
    await store.member(id, { realm: 'other', version: 7 })
    if (state) await store.member(id, { state, version })
    expect(await lookUp({ identifier: username })).toMatchObject({ id, revision: 1, ...told })
    const tokenHash = counter()
    await store.challenge({ accountId: id, tokenHash })
    const attempt = await takeAttempt(store.database, { tokenHash, contract: 'test', most: 5, devices: [] })
    expect(attempt).toMatchObject({ id, ...told })
  })

  test.each([
    ['nobody’s device and network', [], counters.unknownDevices, false],
    ['a device of somebody else', [['other', devices.device]], counters.unknownDevices, false],
    ['a network of somebody else', [['other', devices.ipPrefix]], counters.unknownDevices, false],
    ['another device of the account', [['own', bytes('another')]], counters.unknownDevices, true],
    ['a network of the account', [['own', devices.ipPrefix]], counters.ipPrefix, true],
    ['a device of the account', [['own', devices.device]], counters.device, true],
    [
      'both',
      [
        ['own', devices.ipPrefix],
        ['own', devices.device],
      ],
      counters.device,
      true,
    ],
  ] as const)('from %s counts there', async (_what, known, counter, anyDeviceKnown) => {
    const own = newId()
    const owners = { own: await store.account({ username: own }), other: await store.account() }
    for (const [whose, key] of known) await store.device(owners[whose], key)
    expect(await lookUp({ identifier: own })).toMatchObject({
      counter,
      anyDeviceKnown,
      deviceKnown: counter !== counters.unknownDevices,
      cookieKnown: counter === counters.device,
    })
  })

  test('is locked by the counter that counts, and by no other', async () => {
    const ours = { ...counters, unknownDevices: bytes(newId()) }
    await store.counter({ key: bytes(newId()), locked: '1 hour' })
    expect((await lookUp({ counters: ours })).lockedUntil).toBeNull()
    await store.counter({ key: ours.unknownDevices, locked: '1 hour' })
    expect((await lookUp({ counters: ours })).lockedUntil?.getTime()).toBeGreaterThan(Date.now())
  })

  test('is locked everywhere by the account’s own counter, while it counts', async () => {
    const username = newId()
    const [own, other] = [await store.account({ username }), await store.account()]
    const until = async () => (await lookUp({ identifier: username })).lockedEverywhereUntil
    const lock = async (accountId: string, expires: string) =>
      store.counter({ key: await counterOf(accountId), accountId, contract: null, locked: '1 hour', expires })
    await lock(other, '1 hour')
    expect(await until()).toBeNull()
    await lock(own, '1 hour')
    expect((await until())?.getTime()).toBeGreaterThan(Date.now())
    await store.database.run(sql`UPDATE sign_in_counters SET expires_at = now() WHERE account_id = ${own}`)
    expect(await until()).toBeNull()
  })
})

describe('a refusal', () => {
  const lockout = { failures: 3, seconds: 900 }
  const refuse = (by: Partial<Parameters<typeof recordFailure>[1]> & { counter: Buffer }) =>
    recordFailure(store.database, {
      contract: 'test',
      lockout,
      increment: 1,
      logged: true,
      accountId: null,
      ...nobody,
      mail: { id: newId(), kind: 'account_locked' },
      everywhere: undefined,
      lockEvents: '[]',
      ...by,
    })
  /** The counter's failures, with the seconds that it counts and locks on. */
  const stateOf = async (key: Buffer) => {
    const { failures, counts, locks } = await store.database.one(sql<{
      failures: number
      counts: number
      locks: number | null
    }>`
      SELECT failures, extract(epoch FROM expires_at - now())::float8 AS counts, extract(epoch FROM locked_until - now())::float8 AS locks
        FROM sign_in_counters WHERE key = ${key}`)
    const rounded = (seconds: number | null) => seconds && Math.round(seconds / 60) * 60
    return [failures, rounded(counts), rounded(locks)]
  }

  // Failures, seconds that it locks on, seconds that it counts on; before and after.
  test.each([
    ['the second', 1, [1, null, '300 s'], [2, 900, null]],
    ['the one that locks', 1, [2, null, '300 s'], [3, 900, 900]],
    ['one more while it is locked', 1, [3, '300 s', '300 s'], [4, 300, 300]],
    ['the first after it counted', 1, [2, null, '0'], [1, 900, null]],
    ['the first after a lock', 1, [5, '0', '0'], [1, 900, null]],
    ['none while it counts', 0, [2, null, '300 s'], [2, 300, null]],
    ['none while it is locked', 0, [3, '300 s', '300 s'], [3, 300, 300]],
    ['none after a lock', 0, [5, '0', '0'], [0, 900, null]],
  ] as const)('as a failure: %s', async (_what, increment, [failures, locked, expires], after) => {
    const counter = await store.counter({ failures, locked, expires })
    const told = await refuse({ counter, increment })
    expect(await stateOf(counter)).toEqual(after)
    expect(told.refusesAll).toBe(after[2] !== null)
  })

  test.each([
    [3, [1, 900, null]],
    [1, [1, 900, 900]],
  ])('as the first failure of all, when %i lock', async (failures, after) => {
    const counter = bytes(newId())
    await refuse({ counter, lockout: { failures, seconds: 900 } })
    expect(await stateOf(counter)).toEqual(after)
  })

  test.each([
    ['under the limit', 1, 1, true, false, ['login_failed {}']],
    ['at the limit', 2, 1, true, true, ['login_failed {"locked": true}']],
    ['over the limit', 3, 1, true, false, []],
    ['that is no failure, at the limit', 3, 0, true, false, ['login_failed {}']],
    ['under the limit, logged elsewhere', 1, 1, false, false, []],
    ['at the limit, logged elsewhere', 2, 1, false, true, ['login_failed {"locked": true}']],
  ] as const)('%s', async (_what, failures, increment, logged, locked, entries) => {
    const [accountId, other] = [
      await store.account({ proven: true, email: `${newId()}@example.org` }),
      await store.account(),
    ]
    const counter = await store.counter({ failures })
    expect((await refuse({ counter, increment, logged, accountId })).locked).toBe(locked)
    const log = await store.database.many(
      sql<{ entry: string }>`SELECT action || ' ' || details AS entry FROM activities WHERE account_id = ${accountId}`,
    )
    expect(log.map(({ entry }) => entry)).toEqual(entries)
    const told = await store.database.many(sql`SELECT id FROM mail_jobs WHERE account_id = ${accountId}`)
    expect(told).toHaveLength(locked ? 1 : 0)
    const others = await store.database.many(sql`
      SELECT account_id FROM activities WHERE account_id = ${other} UNION ALL SELECT account_id FROM mail_jobs WHERE account_id = ${other}`)
    expect(others).toEqual([])
  })
})

describe('a refusal of a device without a cookie of ours', () => {
  const everywhere = { failures: 3, seconds: 86_400 }
  const refuse = (by: Partial<Parameters<typeof recordFailure>[1]>) =>
    recordFailure(store.database, {
      counter: counter(),
      contract: 'test',
      lockout: { failures: 1_000, seconds: 900 },
      increment: 1,
      logged: true,
      accountId: null,
      ...nobody,
      mail: { id: newId(), kind: 'account_locked' },
      everywhere: { ...everywhere, mailId: newId() },
      lockEvents: '[]',
      ...by,
    })
  /** Failures over all realms, with the hours that they count and lock on; undefined: none were counted. */
  const stateOf = async (accountId: string) =>
    store.database.maybe(sql<{ failures: number; counts: number; locks: number | null; contract: string | null }>`
      SELECT failures, round(extract(epoch FROM expires_at - now()) / 3600)::integer AS counts,
             round(extract(epoch FROM locked_until - now()) / 3600)::integer AS locks, contract
        FROM sign_in_counters WHERE key = account_counter(${accountId})`)

  test.each([
    ['the first', undefined, { failures: 1, counts: 24, locks: null }],
    ['the second, which puts the end off no further', [1, null, '5 hours'], { failures: 2, counts: 5, locks: null }],
    ['the one that locks, until the count is over', [2, null, '5 hours'], { failures: 3, counts: 5, locks: 5 }],
    ['one more while it is locked', [3, '5 hours', '5 hours'], { failures: 4, counts: 5, locks: 5 }],
    ['the first after the count was over', [2, null, '0'], { failures: 1, counts: 24, locks: null }],
    ['the first after a lock', [9, '0', '0'], { failures: 1, counts: 24, locks: null }],
  ] as const)('counts over all realms: %s', async (_what, before, after) => {
    const accountId = await store.account()
    if (before) {
      const [failures, locked, expires] = before
      await store.counter({ key: await counterOf(accountId), accountId, contract: null, failures, locked, expires })
    }
    await refuse({ accountId })
    expect(await stateOf(accountId)).toEqual({ ...after, contract: null })
  })

  test('is one count, of whichever realms and counters', async () => {
    const accountId = await store.account()
    for (const contract of ['one', 'two', 'three']) await refuse({ accountId, contract })
    expect(await stateOf(accountId)).toMatchObject({ failures: 3, locks: 24 })
  })

  test.each([
    ['where it is not asked for', { everywhere: undefined }],
    ['for what is no failure', { increment: 0 }],
  ] as const)('counts nothing %s', async (_what, by) => {
    const accountId = await store.account()
    await refuse({ accountId, ...by })
    expect(await stateOf(accountId)).toBeUndefined()
  })

  test('counts nothing for a name that nobody has', async () => {
    const before = await store.database.one(sql`SELECT count(*) AS count FROM sign_in_counters WHERE contract IS NULL`)
    await refuse({})
    const after = await store.database.one(sql`SELECT count(*) AS count FROM sign_in_counters WHERE contract IS NULL`)
    expect(after).toEqual(before)
  })
})

test('what is forgotten is counted under the key, for codes, or for the account: in the contract or over all of them', async () => {
  const [accountId, stranger] = [await store.account(), await store.account()]
  const keys = await plantAll({
    key: store.counter(),
    codes: store.counter(),
    'the account': store.counter({ accountId }),
    'the account, over all contracts': store.counter({ accountId, contract: null }),
    'the account, in another contract': store.counter({ accountId, contract: 'other' }),
    'somebody else': store.counter({ accountId: stranger }),
    'somebody else, over all contracts': store.counter({ accountId: stranger, contract: null }),
    nobody: store.counter(),
  })
  const { key = Buffer.alloc(0), codes } = keys
  await forgetFailures(store.database, { counter: key, codes, accountId, contract: 'test' })
  expect(await store.counting(keys)).toEqual([
    'the account, in another contract',
    'somebody else',
    'somebody else, over all contracts',
    'nobody',
  ])
})

const counter = () => bytes(newId())

/** Signs in where nothing stands against it but what is said. */
async function signIn(
  kind: 'session' | 'challenge',
  against: { revision?: number; lock?: { on: 'counter' | 'codes' | 'another'; until: string } },
): Promise<boolean> {
  const accountId = await store.account()
  const by = { accountId, revision: against.revision ?? 1, contract: 'test', counter: counter(), codes: counter() }
  const { lock } = against
  if (lock) await store.counter({ key: lock.on === 'another' ? counter() : by[lock.on], locked: lock.until })
  const tokenHash = counter()
  const expiresAt = new Date(Date.now() + 60_000)
  if (kind === 'challenge')
    return insertChallenge(store.database, {
      ...by,
      id: newId(),
      tokenHash,
      expiresAt,
      mailId: newId(),
      upgradedHash: undefined,
    })
  return openSession(store.database, { ...by, ...rest(tokenHash, expiresAt), challengeId: undefined })
}
const rest = (tokenHash: Buffer, expiresAt: Date) => ({
  sessionId: newId(),
  amr: ['pwd'],
  ...nobody,
  tokenHash,
  expiresAt,
  devices: [],
  newDeviceMailId: undefined,
  upgradedHash: undefined,
  events: '[]',
})

describe.each(['session', 'challenge'] as const)('a %s', (kind) => {
  test.each([
    ['is opened when nothing stands against it', {}, true],
    ['is opened beside a lock of somebody else', { lock: { on: 'another', until: '1 hour' } }, true],
    ['is opened when the lock has just ended', { lock: { on: 'counter', until: '0' } }, true],
    ['is not opened when the account or a membership of it changed', { revision: 2 }, false],
    ['is not opened when a lock began', { lock: { on: 'counter', until: '1 hour' } }, false],
    // A session by password alone has asked for no code.
    [
      'asks for the lock of codes only when a code is next',
      { lock: { on: 'codes', until: '1 hour' } },
      kind === 'session',
    ],
  ] as const)('%s', async (_what, against, opened) => {
    expect(await signIn(kind, against)).toBe(opened)
  })
})

test('a session waits for its counter before it takes the account, as a failure does: neither waits for the other', async () => {
  const accountId = await store.account()
  const key = await store.counter({ key: counter() })
  const by = { accountId, revision: 1, contract: 'test', counter: key, codes: undefined, challengeId: undefined }
  const opening = await store.database.transaction(async (tx) => {
    await tx.run(sql`SELECT FROM sign_in_counters WHERE key = ${key} FOR UPDATE`)
    const opened = openSession(store.database, { ...by, ...rest(counter(), new Date()) })
    await expect
      .poll(() =>
        store.database.one(sql`
          SELECT count(*)::int AS waiting FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock'`),
      )
      .toEqual({ waiting: 1 })
    await tx.run(sql`SELECT FROM accounts WHERE id = ${accountId} FOR UPDATE NOWAIT`)
    return { opened }
  })
  expect(await opening.opened).toBe(true)
})

describe('a session by a code', () => {
  test.each([
    ['uses its challenge up', {}, true],
    ['needs one that is not used', { used: '-1 second' }, false],
    ['needs one that is not revoked', { revoked: '-1 second' }, false],
    ['needs one that is not over', { expires: '0' }, false],
  ])('%s', async (_what, state, opened) => {
    const accountId = await store.account()
    const challengeId = await store.challenge({ accountId, ...state })
    const other = await store.challenge({ accountId })
    const by = { accountId, revision: 1, contract: 'test', counter: counter(), codes: counter(), challengeId }
    await store.counter({ key: by.counter, failures: 3, locked: '1 hour' })
    const [codes, elses] = [await store.counter({ key: by.codes }), await store.counter()]
    expect(await openSession(store.database, { ...by, ...rest(counter(), new Date()) })).toBe(opened)
    expect(await store.having('codes.used', { challengeId, other })).toEqual(
      opened || 'used' in state ? ['challengeId'] : [],
    )
    expect(await store.counting({ own: by.counter, codes, elses })).toEqual(
      opened ? ['elses'] : ['own', 'codes', 'elses'],
    )
  })
})

test('a session makes its devices known, and is mailed about at a proven address only', async () => {
  const own = await store.account({ email: 'proven@devices.example', proven: true })
  const unproven = await store.account({ email: 'unproven@devices.example' })
  await store.device(own, bytes('old'), '-25 hours')
  await store.device(own, bytes('new'), '-23 hours')
  await store.device(unproven, bytes('old'), '-25 hours')
  const keys = ['old', 'new', 'first'].map(bytes)
  for (const accountId of [own, unproven]) {
    const by = {
      accountId,
      revision: 1,
      contract: 'test',
      counter: counter(),
      codes: undefined,
      challengeId: undefined,
    }
    const devices = accountId === own ? keys : []
    await openSession(store.database, { ...by, ...rest(counter(), new Date()), devices, newDeviceMailId: newId() })
  }
  const seen = await store.database.many(sql<{ device: string; hours: number }>`
    SELECT convert_from(key, 'UTF8') AS device, round(extract(epoch FROM now() - seen_at) / 3600)::integer AS hours
      FROM known_devices WHERE account_id IN (${own}, ${unproven}) ORDER BY account_id, key`)
  expect(seen).toEqual([
    { device: 'first', hours: 0 },
    { device: 'new', hours: 23 },
    { device: 'old', hours: 0 },
    { device: 'old', hours: 25 },
  ])
  const mails = await store.database.many(sql<{ id: string }>`
    SELECT account_id AS id FROM mail_jobs WHERE kind = 'new_device' AND account_id IN (${own}, ${unproven})`)
  expect(mails).toEqual([{ id: own }])
})

test('a session has the devices seen longest ago forgotten, and nobody else’s', async () => {
  const [own, other] = [await store.account(), await store.account()]
  for (let day = 1; day <= 51; day += 1) {
    await store.device(own, bytes(`device ${day}`), `-${day} days`)
    await store.device(other, bytes(`device ${day}`), `-${day} days`)
  }
  const by = {
    accountId: own,
    revision: 1,
    contract: 'test',
    counter: counter(),
    codes: undefined,
    challengeId: undefined,
  }
  await openSession(store.database, { ...by, ...rest(counter(), new Date()) })
  const oldest = await store.database.many(sql<{ id: string; oldest: number; known: number }>`
    SELECT account_id AS id, max(extract(day FROM now() - seen_at))::integer AS oldest, count(*) AS known
      FROM known_devices WHERE account_id IN (${own}, ${other}) GROUP BY account_id ORDER BY account_id`)
  expect(oldest).toEqual([
    { id: own, oldest: 50, known: 50 },
    { id: other, oldest: 51, known: 51 },
  ])
})

test('a challenge ends the open ones of the account in the contract, and takes a better hash along when there is one', async () => {
  const [accountId, stranger] = [await store.account(), await store.account()]
  const challenges = await plantAll({
    open: store.challenge({ accountId }),
    used: store.challenge({ accountId, used: '-1 hour' }),
    revoked: store.challenge({ accountId, revoked: '-1 hour' }),
    'of another contract': store.challenge({ accountId, contract: 'other' }),
    'of somebody else': store.challenge({ accountId: stranger }),
  })
  const begin = (upgradedHash: string | undefined) =>
    insertChallenge(store.database, {
      id: newId(),
      accountId,
      revision: 1,
      contract: 'test',
      tokenHash: counter(),
      counter: counter(),
      codes: undefined,
      expiresAt: new Date(),
      mailId: newId(),
      upgradedHash,
    })
  const hashes = () =>
    store.database.many(sql<{ hash: string | null }>`
      SELECT password_hash AS hash FROM accounts WHERE id IN (${accountId}, ${stranger}) ORDER BY id`)
  await begin('better')
  expect(await store.having('codes.revoked', challenges)).toEqual(['open'])
  await begin(undefined)
  expect(await hashes()).toEqual([{ hash: 'better' }, { hash: null }])
})

describe('an attempt', () => {
  const most = 5
  test.each([
    ['is taken', {}, {}, true],
    ['is the last', { attempts: 4 }, {}, true],
    ['is one too many', { attempts: 5 }, {}, false],
    ['needs a challenge that is not used', { used: '-1 second' }, {}, false],
    ['needs a challenge that is not revoked', { revoked: '-1 second' }, {}, false],
    ['needs a challenge that is not over', { expires: '0' }, {}, false],
    ['needs a challenge of the contract', { contract: 'other' }, {}, false],
    ['needs the challenge’s token', {}, { tokenHash: counter() }, false],
  ])('%s', async (_what, state, by, taken) => {
    const tokenHash = counter()
    const accountId = await store.account()
    const challengeId = await store.challenge({ accountId, tokenHash, ...state })
    const found = await takeAttempt(store.database, { tokenHash, contract: 'test', most, devices: [], ...by })
    expect(found?.challengeId).toBe(taken ? challengeId : undefined)
  })

  test('tells role and devices of its own account and contract', async () => {
    const [own, other] = [await store.account(), await store.account()]
    await store.member(own, { realm: 'other', role: 'admin' })
    await store.member(other, { role: 'admin' })
    await store.device(other, devices.device)
    const attempt = async () => {
      const tokenHash = counter()
      await store.challenge({ accountId: own, tokenHash })
      return takeAttempt(store.database, { tokenHash, contract: 'test', most, devices: [devices.device] })
    }
    expect(await attempt()).toMatchObject({ id: own, role: null, anyDeviceKnown: false, deviceKnown: false })
    await store.device(own, bytes('another'))
    expect(await attempt()).toMatchObject({ anyDeviceKnown: true, deviceKnown: false })
    await store.device(own, devices.device)
    expect(await attempt()).toMatchObject({ anyDeviceKnown: true, deviceKnown: true })
  })
})

test.each([
  ['is used up', {}, true],
  ['is not used twice', { used: '-1 second' }, false],
  ['is not used once it is revoked', { revoked: '-1 second' }, false],
  ['is not used once it is over', { expires: '0' }, false],
])('a challenge whose code was right for something else than a session %s', async (_what, state, used) => {
  const accountId = await store.account()
  const [own, other] = [await store.challenge({ accountId, ...state }), await store.challenge({ accountId })]
  expect(await useChallenge(store.database, own)).toBe(used)
  expect(await store.having('codes.used', { own, other })).toEqual(used || 'used' in state ? ['own'] : [])
})

test('only the challenge that is meant is ended, and only while it is open', async () => {
  const accountId = await store.account()
  const challenges = await plantAll({
    open: store.challenge({ accountId }),
    other: store.challenge({ accountId }),
    used: store.challenge({ accountId, used: '-1 hour' }),
    revoked: store.challenge({ accountId, revoked: '-1 hour' }),
  })
  for (const what of ['open', 'used', 'revoked']) await endChallenge(store.database, challenges[what] ?? '')
  expect(await store.having('codes.revoked', challenges)).toEqual(['open'])
})
