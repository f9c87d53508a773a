import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import { operator, type Realm, type RequestContext } from '../realm/index.ts'
import type { NewAccountInput } from './create-account.ts'

const service = identityService('join_realm')
const rows = identityRows(service)
const password = 'correct horse'

const announcing = (realm: Realm): Realm => ({
  ...realm,
  announce: (fact, { id, email }) => ({ type: `${realm.name}.${fact}`, data: { id, email } }),
})
const home = contextOf(realmWith('home', {}))
const there = contextOf(announcing(realmWith('there', {})))
const closed = contextOf(realmWith('closed', { joining: 'closed' }))

let people = 0
/** Somebody of the realm `home`, with a proven address. */
async function person(input: NewAccountInput = {}) {
  people += 1
  const username = `person${people}`
  const email = `${username}@example.org`
  const given = { username, email, password, emailVerified: true, quietly: true, ...input }
  const { account } = await service.identity.createAccount(given, home)
  return { id: account.id, username, email }
}
const login = (identifier: string, context: RequestContext, given = password, tenant?: string) =>
  service.identity.login({ identifier, password: given, tenant }, context)
async function signIn(identifier: string, context: RequestContext, given = password, tenant?: string) {
  const result = await login(identifier, context, given, tenant)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session
}
const register = (input: NewAccountInput, context: RequestContext) =>
  service.identity.createAccount({ password, ...input }, context)
const add = (input: NewAccountInput, context: RequestContext) =>
  service.identity.createAccount(input, operator(context.realm))
const remove = (accountId: string, context: RequestContext) => service.identity.removeMember(accountId, context)

const membershipsOf = async (accountId: string): Promise<Record<string, unknown[]>> =>
  Object.fromEntries(
    (
      await service.database.many(sql<{ realm: string; state: string; role: string | null; origin: string }>`
        SELECT realm, state, role, origin FROM memberships WHERE account_id = ${accountId}`)
    ).map(({ realm, state, role, origin }) => [realm, [state, role, origin]]),
  )
const typesOf = async (accountId: string) => (await rows.events(accountId)).map(({ type }) => type)
const failuresAt = async (accountId: string, { realm }: RequestContext): Promise<number> =>
  (
    await service.database.one(sql<{ failures: number }>`
      SELECT coalesce(sum(failures), 0)::integer AS failures FROM sign_in_counters
       WHERE account_id = ${accountId} AND contract = ${realm.name}`)
  ).failures

const atHome = { home: ['active', null, 'registered'] }
const started = ['account.registered', 'membership.started']

describe('a sign-in to a realm that the account is no member of', () => {
  test('joins it: the person is mailed, the others are told, and the contract announces it', async () => {
    const { id, username, email } = await person({ role: 'admin' })
    const session = await signIn(username, there)
    expect(session.account).toMatchObject({ id, username, role: 'user', active: true })
    expect(claimsOf(session)).toMatchObject({ uid: id, ver: 1 })
    expect(await service.identity.isTokenActive(claimsOf(session))).toBe(true)
    expect(await membershipsOf(id)).toEqual({
      home: ['active', 'admin', 'registered'],
      there: ['active', null, 'joined'],
    })
    expect(await rows.mails(id)).toEqual(['joined'])
    const events = await rows.events(id)
    expect(events.slice(2)).toMatchObject([
      {
        type: 'membership.started',
        sequence: 3,
        data: { realm: 'there', origin: 'joined', tenant: 'main', username, email, since: expect.any(String) },
      },
      { type: 'there.registered', sequence: 4, data: { id, email } },
      { type: 'there.logged_in', sequence: 5 },
    ])
    expect(events[2]?.data).not.toHaveProperty('role')
    expect((await rows.activities(id)).map(({ action }) => action)).toEqual(['register', 'join', 'login'])
  })

  test('does so once: the next ones just sign in', async () => {
    const { id, username } = await person()
    for (let turn = 0; turn < 3; turn += 1) await signIn(username, there)
    expect(await typesOf(id)).toEqual([
      ...started,
      'membership.started',
      'there.registered',
      ...Array.from({ length: 3 }, () => 'there.logged_in'),
    ])
    expect(await rows.mails(id)).toEqual(['joined'])
  })

  test('makes one membership and one event of ten that come at once', async () => {
    const { id, username } = await person()
    const lock = sql`SELECT id FROM accounts WHERE id = ${id} FOR UPDATE`
    const both = await rows.allAtOnce(lock, [() => signIn(username, there), () => signIn(username, there)])
    const others = Array.from({ length: 8 }, () => signIn(username, there))
    expect(await tallyOf([...both, ...others])).toEqual({ success: 10 })
    expect((await typesOf(id)).filter((type) => type === 'there.registered')).toHaveLength(1)
    expect((await typesOf(id)).filter((type) => type === 'membership.started')).toHaveLength(2)
    expect(await rows.mails(id)).toEqual(['joined'])
    expect(await membershipsOf(id)).toEqual({ ...atHome, there: ['active', null, 'joined'] })
  })

  test('with a wrong password joins nothing', async () => {
    const { id, username } = await person()
    expect(await errorCodeOf(signIn(username, there, 'wrong horse'))).toBe('identity.invalid_credentials')
    expect(await membershipsOf(id)).toEqual(atHome)
    expect(await typesOf(id)).toEqual(started)
  })

  test('joins nothing by a password that was right until a moment ago', async () => {
    const { id, username } = await person()
    const late = rows.overtaking(
      id,
      () => signIn(username, there),
      (tx) => tx.run(sql`UPDATE accounts SET revision = revision + 1 WHERE id = ${id}`),
    )
    expect(await errorCodeOf(late)).toBe('identity.invalid_credentials')
    expect(await membershipsOf(id)).toEqual(atHome)
    expect(await rows.mails(id)).toEqual([])
  })

  test('where nobody joins by signing in is refused and counted like a wrong password', async () => {
    const { id, username } = await person()
    for (let turn = 1; turn <= 2; turn += 1) {
      expect(await errorCodeOf(signIn(username, closed))).toBe('identity.invalid_credentials')
      expect(await failuresAt(id, closed)).toBe(turn)
    }
    expect(await errorCodeOf(signIn(username, closed, 'wrong horse'))).toBe('identity.invalid_credentials')
    expect(await rows.mails(id)).toEqual(['account_locked'])
    expect(await membershipsOf(id)).toEqual(atHome)
    const { username: member } = (await register({ username: 'member-of-closed' }, closed)).account
    expect(await errorCodeOf(signIn(member, closed))).toBeUndefined()
  })

  test.each([
    ['required', 'identity.email_unverified', undefined, []],
    ['mailed', undefined, ['active', null, 'joined'], ['verify_email']],
    ['never', undefined, ['active', null, 'joined'], []],
  ] as const)('wants a proven address as registering there does: %s', async (verifiedEmail, code, member, mails) => {
    const context = contextOf(realmWith(`address-${verifiedEmail}`, { verifiedEmail }))
    const { id, username } = await person({ emailVerified: false })
    expect(await errorCodeOf(signIn(username, context))).toBe(code)
    expect((await membershipsOf(id))[context.realm.name]).toEqual(member)
    expect(await rows.mails(id)).toEqual(mails)
    const proven = await person()
    expect(await errorCodeOf(signIn(proven.username, context))).toBeUndefined()
    expect(await rows.mails(proven.id)).toEqual(['joined'])
  })
})

describe('by the second factor', () => {
  const begin = async (username: string, context = there) => {
    const result = await login(username, context)
    if (result.kind !== 'second_factor') throw new Error('the second factor is enrolled')
    const { sessionToken, code = '' } = result.challenge
    return { sessionToken, code, wrong: code === '999999' ? '100000' : '999999' }
  }
  const verify = (sessionToken: string, code: string, context = there) =>
    service.identity.verifySecondFactor({ sessionToken, code }, context)

  test('a realm is joined with the right code, and not before', async () => {
    const { id, username } = await person({ secondFactor: true })
    const { sessionToken, code, wrong } = await begin(username)
    expect(await errorCodeOf(verify(sessionToken, wrong))).toBe('identity.invalid_code')
    expect(await membershipsOf(id)).toEqual(atHome)
    const session = await verify(sessionToken, code)
    expect(claimsOf(session)).toMatchObject({ uid: id, amr: ['pwd', 'otp'] })
    expect(await membershipsOf(id)).toEqual({ ...atHome, there: ['active', null, 'joined'] })
    const again = await begin(username)
    await verify(again.sessionToken, again.code)
    expect((await typesOf(id)).filter((type) => type === 'there.registered')).toHaveLength(1)
    expect((await rows.mails(id)).filter((kind) => kind === 'joined')).toHaveLength(1)
  })

  test('a realm is not joined again by who was removed from it between password and code', async () => {
    const { id, username } = await person({ secondFactor: true })
    const first = await begin(username)
    const joined = await begin(username, { ...there, device: newId() })
    expect(await errorCodeOf(verify(first.sessionToken, first.code))).toBe('identity.invalid_code')
    await add({ username }, there)
    await remove(id, there)
    expect(await errorCodeOf(verify(joined.sessionToken, joined.code))).toBe('identity.invalid_code')
    expect(await membershipsOf(id)).toEqual({ ...atHome, there: ['removed', null, 'added'] })
  })
})

describe('joining never', () => {
  test('makes a first administrator', async () => {
    const first = contextOf(realmWith('first', { firstBecomesAdministrator: true }))
    const [one, two] = [await person(), await person()]
    expect((await signIn(one.username, first)).account.role).toBe('user')
    expect((await register({ username: two.username }, first)).account.role).toBe('user')
    expect(await service.identity.hasAdministrator(first.realm)).toBe(false)
    expect((await register({ username: 'the-real-first' }, first)).account.role).toBe('admin')
  })

  const tenants = contextOf(realmWith('tenants', { tenant: 'named' }))
  const others = contextOf(realmWith('others', { tenant: 'named' }))

  test('passes a tenant’s approval: who signs in waits until somebody activates them', async () => {
    const { account } = await register({ username: 'waits', tenant: 'Closed' }, tenants)
    await service.identity.admin.changeTenant('Closed', { approval: true })
    const attempt = () => signIn('waits', others, password, 'Closed')
    for (let turn = 0; turn < 2; turn += 1) expect(await errorCodeOf(attempt())).toBe('identity.deactivated')
    expect(await membershipsOf(account.id)).toMatchObject({ others: ['pending', null, 'joined'] })
    expect(await typesOf(account.id)).toEqual([...started, 'membership.started'])
    expect(await rows.openSessions(account.id)).toBe(0)
    expect(await errorCodeOf(attempt())).toBe('identity.deactivated')
    await service.identity.admin.setActive('waits', true, others.realm, 'Closed')
    expect((await attempt()).account.id).toBe(account.id)
  })

  test('passes it by registering either, but who is added need not wait', async () => {
    const made = await Promise.all(
      ['registers', 'is-added'].map((username) => register({ username, tenant: 'Gated' }, tenants)),
    )
    await service.identity.admin.changeTenant('Gated', { approval: true })
    const joined = await register({ username: 'registers', tenant: 'gated' }, others)
    expect(joined.account).toMatchObject({ id: made[0]?.account.id, active: false })
    const added = await add({ username: 'is-added', tenant: 'gated' }, others)
    expect(added.account).toMatchObject({ id: made[1]?.account.id, active: true })
  })

  test('makes a tenant', async () => {
    await register({ username: 'nowhere', tenant: 'Somewhere' }, tenants)
    const attempt = signIn('nowhere', others, password, 'No Such Tenant')
    expect(await errorCodeOf(attempt)).toBe('identity.invalid_credentials')
    const found = await service.database.many(sql`SELECT id FROM tenants WHERE name = 'No Such Tenant'`)
    expect(found).toEqual([])
  })
})

describe('registering with the name of somebody of another realm', () => {
  test('joins with the right password, and says the names that were given', async () => {
    const { id, username, email } = await person()
    const names = { firstName: 'Ada', lastName: 'L.' }
    const { account, verificationToken } = await register({ username, names }, there)
    expect(account).toMatchObject({ id, username, role: 'user' })
    expect(verificationToken).toBeUndefined()
    expect(await membershipsOf(id)).toEqual({ ...atHome, there: ['active', null, 'joined'] })
    expect((await rows.events(id)).slice(2)).toMatchObject([
      { type: 'membership.started', data: { realm: 'there', origin: 'joined', username, email, names } },
      { type: 'there.registered' },
    ])
    expect(await rows.mails(id)).toEqual(['joined'])
    expect(await errorCodeOf(register({ username }, there))).toBe('identity.username_taken')
    expect(await rows.events(id)).toHaveLength(4)
  })

  test('joins though nobody joins by signing in', async () => {
    const { id, username } = await person()
    expect((await register({ username }, closed)).account.id).toBe(id)
    expect((await signIn(username, closed)).account.id).toBe(id)
  })

  test('joins by the proven address too, whatever name the account goes by', async () => {
    const byEmail = contextOf(realmWith('by-email', { identifier: 'email' }))
    const { id, username, email } = await person()
    expect((await register({ email: email.toUpperCase() }, byEmail)).account).toMatchObject({ id, username })
  })

  test('makes one membership of ten that come at once', async () => {
    const { id, username } = await person()
    const tally = await tallyOf(Array.from({ length: 10 }, () => register({ username }, there)))
    const { success = 0, 'identity.username_taken': taken = 0 } = tally
    expect(success).toBeGreaterThanOrEqual(1)
    expect(success + taken).toBe(10)
    expect(await typesOf(id)).toEqual([...started, 'membership.started', 'there.registered'])
    expect(await rows.mails(id)).toEqual(['joined'])
  })

  test('joins nothing by a password that was right until a moment ago', async () => {
    const { id, username } = await person()
    const late = rows.overtaking(
      id,
      () => register({ username }, there),
      (tx) => tx.run(sql`UPDATE accounts SET revision = revision + 1 WHERE id = ${id}`),
    )
    expect(await errorCodeOf(late)).toBe('identity.username_taken')
    expect(await membershipsOf(id)).toEqual(atHome)
  })

  test('and an address that nobody proved joins, and is mailed a link where that wants one', async () => {
    const proving = contextOf(realmWith('proving', { identifier: 'email', verifiedEmail: 'required' }))
    const trusting = contextOf(realmWith('trusting', { identifier: 'email' }))
    const email = 'unproven@example.org'
    const { account } = await register({ email }, trusting)
    const { account: joined, verificationToken: token = '' } = await register({ email }, proving)
    expect(joined.id).toBe(account.id)
    expect(await rows.mails(account.id)).toEqual(['verify_email'])
    expect(await errorCodeOf(signIn(email, proving))).toBe('identity.email_unverified')
    await service.identity.verifyEmail({ token }, proving)
    expect((await signIn(email, proving)).account.id).toBe(account.id)
  })

  test('finds it taken with a wrong password, or none', async () => {
    const { id, username } = await person()
    expect(await errorCodeOf(register({ username, password: 'wrong horse' }, there))).toBe('identity.username_taken')
    expect(await errorCodeOf(register({ username, password: undefined }, there))).toBe('identity.username_taken')
    expect(await membershipsOf(id)).toEqual(atHome)
    expect(await typesOf(id)).toEqual(started)
  })

  test('is counted and locked as a sign-in there, and nowhere else', async () => {
    const { id, username } = await person()
    const { failures } = there.realm.policy.lockout
    for (let turn = 1; turn <= failures; turn += 1) {
      await errorCodeOf(register({ username, password: 'wrong horse' }, there))
      expect(await failuresAt(id, there)).toBe(turn)
    }
    expect(await typesOf(id)).toEqual([...started, 'there.locked'])
    expect((await rows.mails(id)).filter((kind) => kind === 'account_locked')).toHaveLength(1)
    expect(await errorCodeOf(register({ username }, there))).toBe('identity.username_taken')
    expect(await errorCodeOf(signIn(username, there))).toBe('identity.invalid_credentials')
    expect(await membershipsOf(id)).toEqual(atHome)
    expect(await errorCodeOf(signIn(username, home))).toBeUndefined()
  })

  test('is neither counted nor mailed about where the account is a member', async () => {
    const { id, username } = await person()
    expect(await errorCodeOf(register({ username, password: 'wrong horse' }, home))).toBe('identity.username_taken')
    expect(await failuresAt(id, home)).toBe(0)
    expect(await rows.mails(id)).toEqual([])
  })

  const told = async (accountId: string) =>
    (await rows.mails(accountId)).filter((kind) => kind === 'how_to_join').length
  const tryWrong = (username: string, context = there) =>
    errorCodeOf(register({ username, password: 'wrong horse' }, context))

  test('has the owner of a proven address told how to join, once an hour', async () => {
    const [{ id, username }, other] = [await person(), await person()]
    await tryWrong(username)
    await tryWrong(username)
    await tryWrong(username, closed)
    expect(await told(id)).toBe(1)
    await tryWrong(other.username)
    expect(await told(other.id)).toBe(1)
    const moved = (interval: string) =>
      service.database.run(sql`
        UPDATE mail_jobs SET created_at = now() - ${interval}::interval WHERE account_id = ${id} AND kind = 'how_to_join'`)
    await moved('59 minutes')
    await tryWrong(username)
    expect(await told(id)).toBe(1)
    await moved('1 hour')
    await tryWrong(username)
    expect(await told(id)).toBe(2)
  })

  test('has them told once by two that come at once', async () => {
    const { id, username } = await person()
    const lock = sql`SELECT id FROM accounts WHERE id = ${id} FOR UPDATE`
    await Promise.all(await rows.allAtOnce(lock, [() => tryWrong(username), () => tryWrong(username)]))
    expect(await told(id)).toBe(1)
  })

  test('has nobody told at an address that is not proven', async () => {
    const { id, username } = await person({ emailVerified: false })
    await tryWrong(username)
    expect(await rows.mails(id)).toEqual([])
  })
})

describe('who is added by a service', () => {
  test('is a member with the role that is given, without a password, mailed about and told of', async () => {
    const { id, username } = await person()
    const { account } = await add({ username, role: 'admin' }, there)
    expect(account).toMatchObject({ id, role: 'admin' })
    expect(await membershipsOf(id)).toEqual({ ...atHome, there: ['active', 'admin', 'added'] })
    expect(await rows.mails(id)).toEqual(['added'])
    expect((await rows.events(id)).slice(2)).toMatchObject([
      { type: 'membership.started', data: { realm: 'there', role: 'admin', origin: 'added' } },
      { type: 'there.registered' },
    ])
    expect((await rows.activities(id)).map(({ action }) => action)).toEqual(['register', 'add'])
    expect(await service.identity.hasAdministrator(there.realm)).toBe(true)
    expect(await errorCodeOf(add({ username }, there))).toBe('identity.username_taken')
    expect(await rows.events(id)).toHaveLength(4)
  })

  test('is added where nobody joins by signing in, and signs in there with their own password', async () => {
    const { id, username } = await person()
    await add({ username }, closed)
    expect((await signIn(username, closed)).account.id).toBe(id)
    expect(await rows.mails(id)).toEqual(['added'])
  })

  test('is added once for an idempotency key', async () => {
    const { id, username } = await person()
    const key = { accountId: newId(), route: 'POST /users', key: 'added', requestHash: Buffer.alloc(32) }
    const create = () => service.identity.createAccount({ username }, operator(there.realm), key)
    const all = [...(await Promise.all([create(), create()])), await create()]
    for (const { account } of all) expect(account.id).toBe(id)
    expect(await rows.mails(id)).toEqual(['added'])
    expect(await rows.events(id)).toHaveLength(4)
  })

  test('is new where nobody has the name, by the same origin', async () => {
    const { account } = await add({ username: 'new-by-service', password }, there)
    expect(await membershipsOf(account.id)).toEqual({ there: ['active', null, 'added'] })
    expect((await rows.events(account.id))[1]).toMatchObject({ data: { origin: 'added' } })
  })
})

describe('who was removed', () => {
  /** Somebody who was an administrator of the realm and was removed, with the tokens of before. */
  async function removed() {
    const one = await person()
    await add({ username: `keeps-${one.username}`, role: 'admin' }, there)
    await add({ username: one.username, role: 'admin' }, there)
    const held = await signIn(one.username, there)
    await remove(one.id, there)
    return { ...one, held }
  }
  const isRefused = async (held: Awaited<ReturnType<typeof signIn>>) => {
    expect(await service.identity.isTokenActive(claimsOf(held))).toBe(false)
    expect(await errorCodeOf(service.identity.refresh(held.refreshToken, there))).toBe('identity.invalid_refresh_token')
  }

  test('stays removed at sign-in, which is answered and counted like a wrong password', async () => {
    const { id, username, held } = await removed()
    for (let turn = 1; turn <= 2; turn += 1) {
      expect(await errorCodeOf(signIn(username, there))).toBe('identity.invalid_credentials')
      expect(await failuresAt(id, there)).toBe(turn)
    }
    expect(await membershipsOf(id)).toEqual({ ...atHome, there: ['removed', null, 'added'] })
    await isRefused(held)
    expect(await errorCodeOf(signIn(username, home))).toBeUndefined()
  })

  test('comes back by registering with their password, without the former role and tokens', async () => {
    const { id, username, held } = await removed()
    expect(await errorCodeOf(register({ username, password: 'wrong horse' }, there))).toBe('identity.username_taken')
    expect(await membershipsOf(id)).toMatchObject({ there: ['removed', null, 'added'] })
    expect((await register({ username }, there)).account).toMatchObject({ id, role: 'user' })
    expect(await membershipsOf(id)).toEqual({ ...atHome, there: ['active', null, 'joined'] })
    const session = await signIn(username, there)
    expect(session.account.role).toBe('user')
    expect(claimsOf(session).ver).toBeGreaterThan(claimsOf(held).ver)
    expect(await service.identity.isTokenActive(claimsOf(session))).toBe(true)
    await isRefused(held)
    const ofRealm = (await rows.events(id)).filter(({ data: { realm } }) => realm === 'there')
    expect(ofRealm.map(({ type }) => type)).toEqual(['membership.started', 'membership.ended', 'membership.started'])
    const [first, ended, again] = ofRealm.map(({ data: { since } }) => since)
    expect(ended).toEqual(first)
    expect(again).not.toEqual(first)
  })

  test('comes back by being added, with the role that is given then, and may be removed again', async () => {
    const { id, username, held } = await removed()
    expect((await add({ username }, there)).account).toMatchObject({ id, role: 'user' })
    const second = await signIn(username, there)
    await isRefused(held)
    await remove(id, there)
    await isRefused(second)
    expect(await errorCodeOf(signIn(username, there))).toBe('identity.invalid_credentials')
    expect((await add({ username, role: 'admin' }, there)).account).toMatchObject({ id, role: 'admin' })
    expect(claimsOf(await signIn(username, there)).ver).toBeGreaterThan(claimsOf(second).ver)
    for (const one of [held, second]) await isRefused(one)
    expect((await rows.mails(id)).filter((kind) => kind === 'added')).toHaveLength(3)
  })
})
