import { describe, expect, test } from 'vitest'
import { errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { Realm, RequestContext } from '../realm/index.ts'

const service = identityService('lockout')
const rows = identityRows(service)
const password = 'correct horse'

const realm: Realm = {
  ...realmWith('locking', { identifier: 'email', verifiedEmail: 'mailed' }),
  announce: (fact, { id, email }) =>
    fact === 'locked' ? { type: 'test.locked', data: { account: id, email } } : undefined,
}
const { failures } = realm.policy.lockout

let machines = 0
/** A client on a device and a network that nobody has signed in from. */
function stranger(from: Partial<RequestContext> = {}): RequestContext {
  machines += 1
  const ipPrefix = `198.51.100.${machines}`
  return contextOf(realm, { device: newId(), ipPrefix, ip: ipPrefix, ...from })
}

let people = 0
async function register(input: { emailVerified?: boolean } = {}) {
  people += 1
  const username = `person${people}`
  const email = `${username}@example.org`
  const { account } = await service.identity.createAccount(
    { username, email, password, emailVerified: true, quietly: true, ...input },
    stranger(),
  )
  return { id: account.id, username, email }
}
const signIn = (identifier: string, context: RequestContext, given = password) =>
  service.identity.login({ identifier, password: given }, context)
async function fail(identifier: string, context: RequestContext, times = failures) {
  for (let turn = 0; turn < times; turn += 1)
    expect(await errorCodeOf(signIn(identifier, context, 'wrong horse'))).toBe('identity.invalid_credentials')
}
/** A client that the account was signed in from. */
async function known(identifier: string): Promise<RequestContext> {
  const context = stranger()
  await signIn(identifier, context)
  return context
}
const isLocked = async (identifier: string, context: RequestContext) => {
  const code = await errorCodeOf(signIn(identifier, context))
  expect([undefined, 'identity.invalid_credentials']).toContain(code)
  return code !== undefined
}

describe('a lock', () => {
  test('of unknown devices keeps out all of them, and neither the known device nor the known prefix', async () => {
    const { username } = await register()
    const home = await known(username)
    await fail(username, stranger())
    expect(await isLocked(username, stranger())).toBe(true)
    expect(await isLocked(username, stranger({ device: home.device }))).toBe(false)
    expect(await isLocked(username, stranger({ ipPrefix: home.ipPrefix }))).toBe(false)
    expect(await isLocked(username, stranger())).toBe(true)
  })

  test('is reached by strangers together, from wherever each tries', async () => {
    const { username } = await register()
    for (let turn = 0; turn < failures; turn += 1) await fail(username, stranger(), 1)
    expect(await isLocked(username, stranger())).toBe(true)
  })

  test('of a known device is its own: other devices of the owner and strangers sign in', async () => {
    const { username } = await register()
    const [phone, laptop] = [await known(username), await known(username)]
    await fail(username, phone)
    expect(await isLocked(username, phone)).toBe(true)
    expect(await isLocked(username, laptop)).toBe(false)
    expect(await isLocked(username, stranger())).toBe(false)
  })

  test('of a known device keeps it out at a prefix where nobody is known, too', async () => {
    const { username } = await register()
    const phone = await known(username)
    await fail(username, phone)
    expect(await isLocked(username, stranger({ device: phone.device }))).toBe(true)
  })

  test('of a known prefix is its own', async () => {
    const { username } = await register()
    const home = await known(username)
    await fail(username, stranger({ ipPrefix: home.ipPrefix }))
    expect(await isLocked(username, stranger({ ipPrefix: home.ipPrefix }))).toBe(true)
    expect(await isLocked(username, home)).toBe(false)
  })

  test('is not lifted by a success elsewhere', async () => {
    const { username } = await register()
    const home = await known(username)
    await fail(username, stranger())
    await signIn(username, home)
    expect(await isLocked(username, stranger())).toBe(true)
  })

  test('ends by itself, and further failures do not put the end off', async () => {
    const { id, username } = await register()
    const endOf = () =>
      service.database.one(
        sql<{ end: Date; left: number }>`
          SELECT locked_until AS end, extract(epoch FROM locked_until - now())::float8 AS left
            FROM sign_in_counters WHERE account_id = ${id} AND contract = ${realm.name}`,
      )
    await fail(username, stranger())
    const { end, left } = await endOf()
    expect(left).toBeGreaterThan(realm.policy.lockout.seconds - 30)
    expect(left).toBeLessThanOrEqual(realm.policy.lockout.seconds)
    await fail(username, stranger(), 2)
    expect((await endOf()).end).toEqual(end)
    await service.database.run(sql`
      UPDATE sign_in_counters SET locked_until = now(), expires_at = now() WHERE account_id = ${id}`)
    await fail(username, stranger(), failures - 1)
    expect(await isLocked(username, stranger())).toBe(false)
  })

  test('is of one contract: another one counts for itself', async () => {
    const { username } = await register()
    await fail(username, stranger())
    expect(await isLocked(username, { ...stranger(), realm: testRealm })).toBe(false)
  })

  test.each([
    ['in capitals and between spaces', (email: string) => ` ${email.toUpperCase()} `],
    // PostgreSQL's lower() makes an i of it, JavaScript's an i with a second dot.
    ['with a Turkish capital İ', (email: string) => email.replace('i', 'İ')],
    ['with a Kelvin sign', (email: string) => email.replace('k', '\u212A')],
  ])('counts a name that is written %s as the same', async (how, written) => {
    const email = `nikita.${how.replaceAll(' ', '-').replace('İ', 'i')}@example.org`
    await service.identity.createAccount({ email, password, emailVerified: true }, stranger())
    await signIn(written(email), stranger())
    await fail(email, stranger(), failures - 1)
    await fail(written(email), stranger(), 1)
    expect(await isLocked(email, stranger())).toBe(true)
  })

  test('comes for names that nobody has, and changes no answer', async () => {
    const nobody = 'nobody@example.org'
    await fail(nobody, stranger(), failures + 2)
    const { locked } = await service.database.one(
      sql<{ locked: number }>`
        SELECT count(*) AS locked FROM sign_in_counters
         WHERE account_id IS NULL AND locked_until > now() AND contract = ${realm.name}`,
    )
    expect(locked).toBe(1)
  })

  test('on a name that was tried before it was anybody’s does not keep its owner out', async () => {
    await fail('comes.later@example.org', stranger())
    await service.identity.createAccount({ email: 'comes.later@example.org', password }, stranger())
    expect(await isLocked('comes.later@example.org', stranger())).toBe(false)
  })
})

describe('the owner', () => {
  test('is told of a lock once, by mail and by the event of the contract', async () => {
    const { id, username, email } = await register()
    await fail(username, stranger(), failures + 3)
    expect(await rows.mails(id)).toEqual(['account_locked'])
    const told = (await rows.events(id)).filter(({ type }) => type === 'test.locked')
    expect(told).toEqual([{ type: 'test.locked', sequence: 3, data: { account: id, email } }])
  })

  test('is told once by guesses that come at once', async () => {
    const { id, username } = await register()
    const guesses = Array.from({ length: 4 * failures }, () => errorCodeOf(signIn(username, stranger(), 'wrong horse')))
    await Promise.all(guesses)
    expect(await rows.mails(id)).toEqual(['account_locked'])
    expect((await rows.events(id)).map(({ type }) => type)).toEqual([
      'account.registered',
      'membership.started',
      'test.locked',
    ])
  })

  test('is told again of the next lock', async () => {
    const { id, username } = await register()
    await fail(username, stranger())
    await service.database.run(sql`
      UPDATE sign_in_counters SET locked_until = now(), expires_at = now() WHERE account_id = ${id}`)
    await fail(username, stranger())
    expect(await rows.mails(id)).toEqual(['account_locked', 'account_locked'])
  })

  test('is not mailed at an address that nobody proved', async () => {
    const { id, username } = await register({ emailVerified: false })
    await fail(username, stranger())
    expect(await rows.mails(id)).toEqual([])
    expect((await rows.events(id)).map(({ type }) => type)).toContain('test.locked')
  })

  test('finds the failures in the log, no more of them than it takes to lock', async () => {
    const { id, username } = await register()
    await fail(username, stranger(), failures + 3)
    const failed = (await rows.activities(id)).filter(({ action }) => action === 'login_failed')
    expect(failed.map(({ details }) => details)).toEqual([
      ...Array.from({ length: failures - 1 }, () => ({})),
      { locked: true },
    ])
  })
})

test('an operator forgets every counter of the account, by either of its names', async () => {
  const { id, username, email } = await register()
  const phone = await known(username)
  await fail(username, phone)
  await fail(email, stranger())
  await fail(username, stranger({ ipPrefix: phone.ipPrefix }))
  const counters = () =>
    service.database.one(
      sql<{ count: number }>`SELECT count(*) AS count FROM sign_in_counters WHERE account_id = ${id}`,
    )
  // The last is the account’s over all realms.
  expect(await counters()).toEqual({ count: 4 })
  expect(await service.identity.admin.unlock(email, realm)).toBe(true)
  expect(await counters()).toEqual({ count: 0 })
  for (const context of [phone, stranger()]) expect(await isLocked(username, context)).toBe(false)
})
