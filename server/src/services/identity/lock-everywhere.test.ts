import { beforeEach, describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'
import { everywhereLockout } from './limits.ts'

const service = identityService('lock_everywhere')
const rows = identityRows(service)
const password = 'correct horse'
// A lock of one realm is far away, so that what refuses is the one of all.
const patient = { lockout: { failures: 1_000, seconds: 900 } }
const realms = ['one', 'two', 'three'].map((name) => realmWith(name, patient))
const [first, second, third] = realms as [(typeof realms)[0], (typeof realms)[0], (typeof realms)[0]]

const owner = { device: 'the-owners-device-1234', ipPrefix: '192.0.2.1' }
const neighbour = { device: 'a-neighbours-device-56', ipPrefix: '192.0.2.1' }
const stranger = (turn: number) => ({ device: `strange-${turn}`, ipPrefix: `198.51.100.${turn % 250}` })
let people = 0
let username = ''
let id = ''
const signIn = (realm: (typeof realms)[0], from: Partial<RequestContext>, given = password) =>
  errorCodeOf(service.identity.login({ identifier: username, password: given }, contextOf(realm, from)))
const failures = (count: number) =>
  service.database.run(sql`
    UPDATE sign_in_counters SET failures = ${count} WHERE key = account_counter(${id})`)

beforeEach(async () => {
  people += 1
  username = `person${people}`
  const email = `${username}@example.org`
  const given = { username, email, password, emailVerified: true }
  id = (await service.identity.createAccount(given, contextOf(first, owner))).account.id
  expect(await signIn(first, owner)).toBeUndefined()
})

describe('a hundred failures over all realms', () => {
  test('refuse strangers in every realm, with the right password too, and not the owner’s device', async () => {
    expect(await signIn(first, stranger(1), 'wrong horse')).toBe('identity.invalid_credentials')
    await failures(everywhereLockout.failures - 2)
    expect(await signIn(second, stranger(2), 'wrong horse')).toBe('identity.invalid_credentials')
    expect(await signIn(third, stranger(3)), 'one is missing').toBeUndefined()
    expect(await signIn(first, stranger(4), 'wrong horse')).toBe('identity.invalid_credentials')
    for (const realm of realms)
      expect(await signIn(realm, stranger(5)), realm.name).toBe('identity.invalid_credentials')
    expect(await signIn(first, neighbour), 'a network exempts nobody').toBe('identity.invalid_credentials')
    for (const realm of realms) expect(await signIn(realm, owner), realm.name).toBeUndefined()
    expect(
      (await rows.mails(id)).filter((kind) => kind === 'locked_everywhere'),
      'told once',
    ).toHaveLength(1)
  })

  test('are those of strangers: what a known device gets wrong is counted by itself', async () => {
    expect(await signIn(first, stranger(1), 'wrong horse')).toBe('identity.invalid_credentials')
    await failures(everywhereLockout.failures - 1)
    expect(await signIn(first, owner, 'wrong horse')).toBe('identity.invalid_credentials')
    expect(await signIn(second, stranger(2))).toBeUndefined()
  })

  test.each<[string, (given: Partial<RequestContext>) => Promise<unknown>]>([
    [
      'changing the password',
      async (from) => {
        const signedIn = await service.identity.login({ identifier: username, password }, contextOf(first, owner))
        if (signedIn.kind !== 'session') throw new Error('no second factor is asked')
        const input = { current: 'wrong horse', password: 'another horse' }
        await service.identity.changePassword(input, claimsOf(signedIn.session), contextOf(first, from))
      },
    ],
    [
      'registering in another realm',
      async (from) => {
        const input = { username, email: `${username}@example.org`, password: 'wrong horse' }
        await service.identity.createAccount(input, contextOf(second, from))
      },
    ],
  ])('are those of strangers by %s as well, and not those of the owner’s device', async (_how, attempt) => {
    expect(await signIn(first, stranger(1), 'wrong horse')).toBe('identity.invalid_credentials')
    await failures(everywhereLockout.failures - 1)
    expect(await errorCodeOf(attempt(owner))).toMatch(/^identity\.(wrong_password|username_taken)$/)
    expect(await signIn(third, stranger(2)), 'the owner’s own').toBeUndefined()
    expect(await errorCodeOf(attempt(stranger(3)))).toMatch(/^identity\.(wrong_password|username_taken)$/)
    expect(await signIn(third, stranger(4)), 'a stranger’s').toBe('identity.invalid_credentials')
  })

  test('are forgotten by an operator of any realm', async () => {
    expect(await signIn(first, stranger(1), 'wrong horse')).toBe('identity.invalid_credentials')
    await failures(everywhereLockout.failures - 1)
    expect(await signIn(first, stranger(2), 'wrong horse')).toBe('identity.invalid_credentials')
    expect(await signIn(second, stranger(3))).toBe('identity.invalid_credentials')
    expect(await service.identity.admin.unlock(username, first)).toBe(true)
    expect(await signIn(second, stranger(3))).toBeUndefined()
  })

  test('count for a day from the first, and are over then', async () => {
    expect(await signIn(first, stranger(1), 'wrong horse')).toBe('identity.invalid_credentials')
    await failures(everywhereLockout.failures - 1)
    expect(await signIn(first, stranger(2), 'wrong horse')).toBe('identity.invalid_credentials')
    expect(await signIn(second, stranger(3))).toBe('identity.invalid_credentials')
    await service.database.run(sql`
      UPDATE sign_in_counters SET locked_until = now() - interval '1 millisecond', expires_at = now() - interval '1 millisecond'
       WHERE key = account_counter(${id})`)
    expect(await signIn(second, stranger(3))).toBeUndefined()
  })
})

test('a lock by wrong codes is told as what it was', async () => {
  const realm = realmWith('codes', { secondFactor: 'always', lockout: { failures: 2, seconds: 900 } })
  const context = contextOf(realm, owner)
  for (const _turn of [1, 2]) {
    const begun = await service.identity.login({ identifier: username, password }, context)
    if (begun.kind !== 'second_factor') throw new Error('a code is asked for')
    const { sessionToken, code } = begun.challenge
    const wrong = code === '999999' ? '100000' : '999999'
    await errorCodeOf(service.identity.verifySecondFactor({ sessionToken, code: wrong }, context))
  }
  expect(await rows.mails(id)).toContain('account_locked_by_codes')
  expect(await rows.mails(id)).not.toContain('account_locked')
})
