import { hashSync } from '@node-rs/argon2'
import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'
import { codeAttempts } from './limits.ts'

const service = identityService('second_factor')
const rows = identityRows(service)
const password = 'correct horse'

const context = contextOf(realmWith('codes', { secondFactor: 'always' }))
const enrolled = contextOf(realmWith('enrolled', { secondFactor: 'enrolled' }))

let people = 0
async function register(input: { secondFactor?: boolean; emailVerified?: boolean } = {}) {
  people += 1
  const username = `person${people}`
  const email = `${username}@example.org`
  const given = { username, email, password, emailVerified: true, ...input }
  const { account } = await service.identity.createAccount(given, context)
  return { id: account.id, username, email }
}

const signIn = (username: string, by: RequestContext = context, given = password) =>
  service.identity.login({ identifier: username, password: given }, by)
async function begin(username: string, by: RequestContext = context) {
  const result = await signIn(username, by)
  if (result.kind !== 'second_factor') throw new Error('a second factor is asked of everybody')
  const { sessionToken, code = '' } = result.challenge
  return { sessionToken, code, wrong: code === '999999' ? '100000' : '999999', expiresAt: result.challenge.expiresAt }
}
const verify = (sessionToken: string, code: string, by: RequestContext = context) =>
  service.identity.verifySecondFactor({ sessionToken, code }, by)
const failuresOf = async (accountId: string) =>
  (
    await service.database.maybe(
      sql<{ failures: number }>`
        SELECT failures FROM sign_in_counters WHERE account_id = ${accountId} AND contract IS NOT NULL ORDER BY failures`,
    )
  )?.failures ?? 0

describe('a sign-in with a code', () => {
  test('opens a session that tells of both factors, and mails the code', async () => {
    const { id, username } = await register()
    const { sessionToken, code, expiresAt } = await begin(username)
    expect(await rows.openSessions(id)).toBe(0)
    expect(await rows.mails(id)).toEqual(['mfa_code'])
    expect(expiresAt.getTime() - Date.now()).toBeGreaterThan(4 * 60_000)
    expect(code).toMatch(/^[1-9]\d{5}$/)
    const session = await verify(sessionToken, ` ${code} `)
    expect(claimsOf(session)).toMatchObject({ amr: ['pwd', 'otp'], uid: id, aud: 'codes' })
    expect(await rows.openSessions(id)).toBe(1)
  })

  test('is asked of accounts that have it on, whichever contract they come by', async () => {
    const { username } = await register({ secondFactor: true })
    const plain = await register()
    expect((await signIn(username, enrolled)).kind).toBe('second_factor')
    expect((await signIn(plain.username, enrolled)).kind).toBe('session')
  })

  test('is impossible before the address is proven, which only the right password is told', async () => {
    const { username } = await register({ emailVerified: false })
    expect(await errorCodeOf(signIn(username))).toBe('identity.email_unverified')
    expect(await errorCodeOf(signIn(username, context, 'wrong horse'))).toBe('identity.invalid_credentials')
  })

  test('ends the one that was begun before', async () => {
    const { username } = await register()
    const first = await begin(username)
    const second = await begin(username)
    expect(await errorCodeOf(verify(first.sessionToken, first.code))).toBe('identity.invalid_code')
    expect(await errorCodeOf(verify(second.sessionToken, second.code))).toBeUndefined()
  })

  test('works once, even when the right code is sent many times at once', async () => {
    const { id, username } = await register()
    const { sessionToken, code } = await begin(username)
    const sent = Array.from({ length: codeAttempts }, () => verify(sessionToken, code))
    expect(await tallyOf(sent)).toEqual({ success: 1, 'identity.invalid_code': codeAttempts - 1 })
    expect(await rows.openSessions(id)).toBe(1)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
  })

  test('opens one session for each of several accounts and devices that sign in at once', async () => {
    const { id, username } = await register()
    const one = await begin(username)
    const others = Array.from({ length: 12 }, () => signIn(username, contextOf(enrolled.realm)))
    expect(await tallyOf([verify(one.sessionToken, one.code), ...others])).toEqual({ success: 13 })
    expect(await rows.openSessions(id)).toBe(13)
  })

  test('is over after five minutes', async () => {
    const { id, username } = await register()
    const { sessionToken, code } = await begin(username)
    await service.database.run(sql`
      UPDATE mfa_codes SET expires_at = now() - interval '1 millisecond' WHERE account_id = ${id}`)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
  })

  test("takes no other contract's session token, nor the code of another sign-in", async () => {
    const [one, two] = [await register({ secondFactor: true }), await register({ secondFactor: true })]
    const here = await begin(one.username)
    const there = await begin(two.username)
    expect(await errorCodeOf(verify(here.sessionToken, here.code, enrolled))).toBe('identity.invalid_code')
    if (here.code !== there.code)
      expect(await errorCodeOf(verify(here.sessionToken, there.code))).toBe('identity.invalid_code')
    expect(await errorCodeOf(verify('', here.code))).toBe('identity.invalid_code')
    expect(await errorCodeOf(verify(here.sessionToken, here.code))).toBeUndefined()
  })
})

describe('wrong codes', () => {
  test('end the sign-in at the fifth, which counts as one failed sign-in', async () => {
    const { id, username } = await register()
    const { sessionToken, code, wrong } = await begin(username)
    for (let turn = 1; turn <= codeAttempts; turn += 1)
      expect(await errorCodeOf(verify(sessionToken, wrong))).toBe('identity.invalid_code')
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
    expect(await rows.openSessions(id)).toBe(0)
    expect(await failuresOf(id)).toBe(1)
  })

  test('leave the fifth try to the right one', async () => {
    const { username } = await register()
    const { sessionToken, code, wrong } = await begin(username)
    for (let turn = 1; turn < codeAttempts; turn += 1) await errorCodeOf(verify(sessionToken, wrong))
    expect(await errorCodeOf(verify(sessionToken, code))).toBeUndefined()
  })

  test('sent twenty at once are looked at five times, and the right one is too late', async () => {
    const { id, username } = await register()
    const { sessionToken, code, wrong } = await begin(username)
    const guesses = Array.from({ length: 20 }, () => verify(sessionToken, wrong))
    expect(await tallyOf(guesses)).toEqual({ 'identity.invalid_code': 20 })
    const { attempts } = await service.database.one(
      sql<{ attempts: number }>`SELECT attempts FROM mfa_codes WHERE account_id = ${id}`,
    )
    expect(attempts).toBe(codeAttempts)
    expect(await failuresOf(id)).toBe(1)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
  })

  test('count though each sign-in is given up before its fifth: the lock comes all the same', async () => {
    const { id, username } = await register()
    const { failures } = context.realm.policy.lockout
    for (let turn = 1; turn <= failures; turn += 1) {
      const { sessionToken, wrong } = await begin(username)
      for (let guess = 1; guess < codeAttempts; guess += 1) await errorCodeOf(verify(sessionToken, wrong))
      expect(await failuresOf(id)).toBe(turn)
    }
    expect(await errorCodeOf(signIn(username))).toBe('identity.invalid_credentials')
    expect(await rows.mails(id)).toEqual([
      ...Array.from({ length: failures }, () => 'mfa_code'),
      'account_locked_by_codes',
    ])
  })

  test('are forgotten by a right one, not by the right password alone', async () => {
    const { id, username } = await register()
    await errorCodeOf(signIn(username, context, 'wrong horse'))
    const { sessionToken, code } = await begin(username)
    expect(await failuresOf(id)).toBe(1)
    await verify(sessionToken, code)
    expect(await failuresOf(id)).toBe(0)
  })
})

describe('between password and code', () => {
  test('a deactivation ends the sign-in', async () => {
    const { username } = await register()
    const { sessionToken, code } = await begin(username)
    await service.identity.admin.setActive(username, false, context.realm)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
    await service.identity.admin.setActive(username, true, context.realm)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
  })

  test('a new password ends the sign-in', async () => {
    const { id, username, email } = await register()
    const { sessionToken, code } = await begin(username)
    const { resetToken = '' } = await service.identity.requestPasswordReset({ email }, context)
    await service.identity.resetPassword({ token: resetToken, password: 'another horse' }, context)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
    expect(await rows.openSessions(id)).toBe(0)
  })

  test('a change that comes in between while the session is opened ends it, a mere use of the account does not', async () => {
    const { id, username } = await register()
    const first = await begin(username)
    const used = rows.overtaking(
      id,
      () => verify(first.sessionToken, first.code),
      (tx) => tx.run(sql`UPDATE accounts SET last_login_at = now() WHERE id = ${id}`),
    )
    expect(await errorCodeOf(used)).toBeUndefined()
    const second = await begin(username)
    const changed = rows.overtaking(
      id,
      () => verify(second.sessionToken, second.code),
      (tx) => tx.run(sql`UPDATE accounts SET revision = revision + 1 WHERE id = ${id}`),
    )
    expect(await errorCodeOf(changed)).toBe('identity.invalid_code')
    expect(await rows.openSessions(id)).toBe(1)
  })

  test('a change of the account that leaves the code standing ends the sign-in, as a change of role does', async () => {
    const { id, username } = await register()
    const { sessionToken, code } = await begin(username)
    await service.database.run(sql`UPDATE accounts SET revision = revision + 1 WHERE id = ${id}`)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
    expect(await rows.openSessions(id)).toBe(0)
  })

  test('a deletion ends the sign-in', async () => {
    const { id, username } = await register()
    const { sessionToken, code } = await begin(username)
    await service.identity.removeMember(id, context)
    expect(await errorCodeOf(verify(sessionToken, code))).toBe('identity.invalid_code')
  })
})

test('a stronger hash that a sign-in brings does not undo a password that was set meanwhile', async () => {
  const { id, username } = await register()
  const cheap = hashSync(password, { memoryCost: 32, timeCost: 1, parallelism: 1 })
  await service.database.run(sql`UPDATE accounts SET password_hash = ${cheap} WHERE id = ${id}`)
  await rows.overtaking(
    id,
    () => signIn(username),
    (tx) => tx.run(sql`UPDATE accounts SET password_hash = 'the new one', revision = revision + 1 WHERE id = ${id}`),
  )
  const { hash } = await service.database.one(
    sql<{ hash: string }>`SELECT password_hash AS hash FROM accounts WHERE id = ${id}`,
  )
  expect(hash).toBe('the new one')
})
