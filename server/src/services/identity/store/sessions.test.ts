import { describe, expect, test } from 'vitest'
import { identityStore, plantAll } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import {
  endSession,
  endSessions,
  findIssued,
  findRefreshToken,
  findSessionOfRefreshToken,
  isRefreshToken,
  isTokenActive,
  listSessions,
  rotateRefreshToken,
} from './sessions.ts'

const store = identityStore('sessions')
const nobody = { ip: null, userAgent: undefined }
const until = new Date()
const fresh = () => Buffer.from(newId())
const sessionMax = 24 * 3600

describe('a refresh token', () => {
  test.each([
    ['is replaced', {}, {}, {}, true],
    ['is not replaced twice', {}, { replaced: '-1 second' }, {}, false],
    ['is not replaced when it is over', {}, { expires: '0' }, {}, false],
    ['is not replaced when its session ended', { ended: '-1 second' }, {}, {}, false],
    ['is not replaced for another contract', { contract: 'other' }, {}, {}, false],
    ['is not replaced for another token', {}, {}, { presented: fresh() }, false],
    ['is replaced while its session may still be refreshed', { created: '-1439 minutes' }, {}, {}, true],
    [
      'is not replaced once its session is over, however often it was refreshed',
      { created: '-1440 minutes' },
      {},
      {},
      false,
    ],
  ])('%s', async (_what, session, token, by, replaced) => {
    const accountId = await store.account()
    const sessionId = await store.session({ accountId, ...session })
    const presented = await store.token({ sessionId, ...token })
    const rotated = await rotateRefreshToken(store.database, {
      presented,
      contract: 'test',
      successor: fresh(),
      sealed: fresh(),
      expiresAt: new Date(Date.now() + 60_000),
      sessionMax,
      ...nobody,
      ...by,
    })
    expect(rotated?.sessionId).toBe(replaced ? sessionId : undefined)
  })

  test('moves the end of its own session only, with the role of its contract', async () => {
    const accountId = await store.account()
    await store.member(accountId, { realm: 'other', role: 'admin' })
    await store.member(await store.account(), { role: 'admin' })
    const [own, other] = [await store.session({ accountId }), await store.session({ accountId })]
    const presented = await store.token({ sessionId: own })
    const expiresAt = new Date(Date.now() + 86_400_000)
    const sessionMax = 2 * 86_400
    const by = { presented, contract: 'test', successor: fresh(), sealed: fresh(), expiresAt, sessionMax, ...nobody }
    expect(await rotateRefreshToken(store.database, by)).toMatchObject({ id: accountId, role: null, expiresAt })
    const ends = await store.database.many(sql<{ id: string; moved: boolean }>`
      SELECT id, expires_at > now() + interval '2 hours' AS moved FROM sessions WHERE id IN (${own}, ${other}) ORDER BY id`)
    expect(ends).toEqual([
      { id: own, moved: true },
      { id: other, moved: false },
    ])
  })

  test.each([
    ['when it was asked to, within its session', 30, 30],
    ['with its session, when it was asked to end later', 90, 60],
  ])('is replaced by one that ends %s', async (_what, asked, given) => {
    const sessionId = await store.session({ accountId: await store.account(), created: '-23 hours' })
    const successor = fresh()
    const rotated = await rotateRefreshToken(store.database, {
      presented: await store.token({ sessionId }),
      contract: 'test',
      successor,
      sealed: fresh(),
      expiresAt: new Date(Date.now() + asked * 60_000),
      sessionMax,
      ...nobody,
    })
    const ends = await store.database.one(sql<{ token: Date; session: Date; inTime: boolean }>`
      SELECT t.expires_at AS token, s.expires_at AS session, t.expires_at <= s.created_at + interval '24 hours' AS "inTime"
        FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = ${successor}`)
    expect(ends).toEqual({ token: rotated?.expiresAt, session: rotated?.expiresAt, inTime: true })
    const minutes = ((rotated?.expiresAt.getTime() ?? 0) - Date.now()) / 60_000
    expect(minutes).toBeGreaterThan(given - 1)
    expect(minutes).toBeLessThanOrEqual(given)
  })

  test.each([
    ['in use', {}, {}, { inGrace: false, expired: false, ended: false }],
    [
      'that was replaced just inside the grace',
      {},
      { replaced: '-20 seconds' },
      { inGrace: true, expired: false, ended: false },
    ],
    [
      'that was replaced before the grace',
      {},
      { replaced: '-30 seconds' },
      { inGrace: false, expired: false, ended: false },
    ],
    ['that is over', {}, { expires: '0' }, { inGrace: false, expired: true, ended: false }],
    ['of a session that ended', { ended: '0' }, {}, { inGrace: false, expired: false, ended: true }],
    [
      'of a session that may still be refreshed',
      { created: '-1439 minutes' },
      {},
      { inGrace: false, expired: false, ended: false },
    ],
    [
      'of a session that is over, however often it was refreshed',
      { created: '-1440 minutes' },
      {},
      { inGrace: false, expired: true, ended: false },
    ],
    ['of another contract', { contract: 'other' }, {}, undefined],
  ])('%s is found as such', async (_what, session, token, found) => {
    const sessionId = await store.session({ accountId: await store.account(), ...session })
    const hash = await store.token({ sessionId, ...token })
    const row = await findRefreshToken(store.database, { hash, contract: 'test', graceSeconds: 30, sessionMax })
    expect(row && { inGrace: row.inGrace, expired: row.expired, ended: row.ended }).toEqual(found)
    expect(await isRefreshToken(store.database, hash)).toBe(true)
    expect(await isRefreshToken(store.database, fresh())).toBe(false)
  })

  test('is found with the role of its contract', async () => {
    const accountId = await store.account()
    await store.member(accountId, { realm: 'other', role: 'admin' })
    await store.member(await store.account(), { role: 'admin' })
    const hash = await store.token({ sessionId: await store.session({ accountId }) })
    const find = () => findRefreshToken(store.database, { hash, contract: 'test', graceSeconds: 30, sessionMax })
    expect(await find()).toMatchObject({ id: accountId, role: null })
    await store.member(accountId, { role: 'editor' })
    expect(await find()).toMatchObject({ role: 'editor' })
  })

  test('of several is the newest that the contract issued', async () => {
    const accountId = await store.account()
    const [own, other] = [await store.session({ accountId }), await store.session({ accountId, contract: 'other' })]
    const old = await store.token({ sessionId: own, created: '-2 hours' })
    const newer = await store.token({ sessionId: own, created: '-1 hour' })
    const foreign = await store.token({ sessionId: other })
    const absent = await store.token({ sessionId: own })
    const issued = async (...hashes: Buffer[]) => (await findIssued(store.database, hashes, 'test'))?.hash
    expect(await issued(old, newer, foreign, fresh())).toEqual(newer)
    expect(await issued(newer, old)).toEqual(newer)
    expect(await issued(foreign, fresh())).toBeUndefined()
    expect(await issued(absent)).toEqual(absent)
  })

  test('leads to the session of its account and contract', async () => {
    const [accountId, stranger] = [await store.account(), await store.account()]
    const sessionId = await store.session({ accountId })
    const hash = await store.token({ sessionId })
    await store.token({ sessionId: await store.session({ accountId }) })
    const by = { hash, accountId, contract: 'test' }
    expect(await findSessionOfRefreshToken(store.database, by)).toEqual({ sessionId })
    expect(await findSessionOfRefreshToken(store.database, { ...by, accountId: stranger })).toBeUndefined()
    expect(await findSessionOfRefreshToken(store.database, { ...by, contract: 'other' })).toBeUndefined()
    expect(await findSessionOfRefreshToken(store.database, { ...by, hash: fresh() })).toBeUndefined()
  })
})

describe('the end', () => {
  const traces = async (accountId: string) => {
    const { events, entries } = await store.database.one(sql<{ events: number; entries: number }>`
      SELECT (SELECT count(*) FROM outbox_events WHERE aggregate_id = ${accountId}) AS events,
             (SELECT count(*) FROM activities WHERE account_id = ${accountId}) AS entries`)
    return { events, entries }
  }
  const revoked = async (sessions: Readonly<Record<string, string>>) => {
    const rows = await store.database.many(sql<{ id: string }>`SELECT session_id AS id FROM revocations`)
    return Object.keys(sessions).filter((what) => rows.some(({ id }) => id === sessions[what]))
  }
  const event = () => JSON.stringify([{ id: newId(), type: 'session.revoked', data: {} }])

  test('of one session is told once', async () => {
    const [accountId, stranger] = [await store.account(), await store.account()]
    const sessions = await plantAll({
      own: store.session({ accountId }),
      another: store.session({ accountId }),
      'ended before': store.session({ accountId, ended: '-1 hour' }),
      'of somebody else': store.session({ accountId: stranger }),
    })
    const end = (what: string, by: { events?: string; activity?: string | null } = {}) =>
      endSession(store.database, {
        sessionId: sessions[what] ?? '',
        reason: 'logout',
        until,
        events: by.events ?? event(),
        activity: by.activity ?? null,
        ...nobody,
      })
    await end('own', { activity: 'logout' })
    for (const what of ['own', 'ended before']) await end(what, { activity: 'logout' })
    expect(await store.having('sessions.ended', sessions)).toEqual(['own'])
    expect(await revoked(sessions)).toEqual(['own'])
    expect(await traces(accountId)).toEqual({ events: 1, entries: 1 })
    expect(await traces(stranger)).toEqual({ events: 0, entries: 0 })
    await end('of somebody else', { events: '[]' })
    expect(await traces(stranger)).toEqual({ events: 0, entries: 0 })
  })

  test.each([
    ['everywhere', {}, ['one', 'another', 'of another contract']],
    ['in one contract', { contract: 'test' }, ['one', 'another']],
    ['but of one', { except: 'one' }, ['another', 'of another contract']],
  ])(
    'of an account’s sessions, %s',
    async (_what, { contract, except }: { contract?: string; except?: string }, ended) => {
      const [accountId, stranger] = [await store.account(), await store.account()]
      const sessions = await plantAll({
        one: store.session({ accountId }),
        another: store.session({ accountId }),
        'of another contract': store.session({ accountId, contract: 'other' }),
        'ended before': store.session({ accountId, ended: '-1 hour' }),
        'of somebody else': store.session({ accountId: stranger }),
      })
      const challenges = await plantAll({
        open: store.challenge({ accountId }),
        'of another contract': store.challenge({ accountId, contract: 'other' }),
        used: store.challenge({ accountId, used: '-1 hour' }),
        revoked: store.challenge({ accountId, revoked: '-1 hour' }),
        'of somebody else': store.challenge({ accountId: stranger }),
      })
      const by = {
        accountId,
        contract,
        except: except && sessions[except],
        reason: 'logout_everywhere' as const,
        until,
        askedBy: 'test',
      }
      expect(await endSessions(store.database, { ...by, events: event(), activity: null, ...nobody })).toBe(
        ended.length,
      )
      expect(await store.having('sessions.ended', sessions)).toEqual(ended)
      expect(await revoked(sessions)).toEqual(ended)
      expect(await store.having('codes.revoked', challenges)).toEqual(
        contract ? ['open'] : ['open', 'of another contract'],
      )
      expect(await traces(accountId)).toEqual({ events: 1, entries: 0 })
      expect(await traces(stranger)).toEqual({ events: 0, entries: 0 })
    },
  )
})

test('the list has the live sessions of the account, newest first', async () => {
  const [accountId, stranger] = [await store.account(), await store.account()]
  const older = await store.session({ accountId, created: '-1 hour' })
  const newer = await store.session({ accountId, contract: 'other' })
  await store.session({ accountId, ended: '-1 second' })
  await store.session({ accountId, expires: '0' })
  await store.session({ accountId: stranger })
  const listed = async (limit: number) => (await listSessions(store.database, accountId, limit)).map(({ id }) => id)
  expect(await listed(10)).toEqual([newer, older])
  expect(await listed(1)).toEqual([newer])
})

test.each([
  ['stands', {}, {}, {}, true],
  ['stands when it knows more than the account', {}, {}, { version: 2 }, true],
  ['does not stand when its session ended', { ended: '0' }, {}, {}, false],
  ['does not stand when its account is no active member', {}, { state: 'inactive' }, {}, false],
  ['does not stand when its account was removed', {}, { state: 'removed' }, {}, false],
  ['stands when its account is inactive in another realm', { contract: 'other' }, { state: 'inactive' }, {}, true],
  ['does not stand in a realm that its account is no member of', { contract: 'third' }, {}, {}, false],
  ['does not stand when the account changed since', {}, {}, { version: 0 }, false],
  ['does not stand for another session', {}, {}, { sessionId: newId() }, false],
  ['does not stand for another account', {}, {}, { accountId: newId() }, false],
] as const)('a token %s', async (_what, session, account, by, stands) => {
  const accountId = await store.account(account)
  await store.member(accountId, { realm: 'other' })
  const sessionId = await store.session({ accountId, ...session })
  await store.session({ accountId: await store.account() })
  expect(await isTokenActive(store.database, { sessionId, accountId, version: 1, ...by })).toBe(stands)
})

test('a token stands from the version of account and membership on, in its realm', async () => {
  const accountId = await store.account()
  await store.member(accountId, { version: 3 })
  await store.member(accountId, { realm: 'other', version: 1 })
  const stands = async (contract: string, version: number) =>
    isTokenActive(store.database, { sessionId: await store.session({ accountId, contract }), accountId, version })
  expect([await stands('test', 3), await stands('test', 4)]).toEqual([false, true])
  expect([await stands('other', 1), await stands('other', 2)]).toEqual([false, true])
})

test('a token does not stand with the session of somebody else', async () => {
  const [accountId, stranger] = [await store.account(), await store.account()]
  const sessionId = await store.session({ accountId: stranger })
  expect(await isTokenActive(store.database, { sessionId, accountId, version: 1 })).toBe(false)
})
