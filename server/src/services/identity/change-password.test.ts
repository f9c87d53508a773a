import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import type { Session } from './index.ts'

const service = identityService('change_password')
const rows = identityRows(service)
const password = 'correct horse'
const renewed = 'another horse'
const context = contextOf(realmWith('changes', { verifiedEmail: 'mailed' }))
const { failures } = context.realm.policy.lockout

let people = 0
async function register(input: { emailVerified?: boolean } = {}) {
  people += 1
  const username = `person${people}`
  const email = `${username}@example.org`
  const given = { username, email, password, emailVerified: true, quietly: true, ...input }
  const { account } = await service.identity.createAccount(given, context)
  return { id: account.id, username, email }
}
async function signIn(username: string, given = password, by: RequestContext = context): Promise<Session> {
  const result = await service.identity.login({ identifier: username, password: given }, by)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session
}
const change = (session: Session, current = password, given = renewed, by: RequestContext = context) =>
  service.identity.changePassword({ current, password: given }, claimsOf(session), by)
const revocationsOf = (session: Session) =>
  service.database.many(sql<{ version: number | null }>`
    SELECT minimum_version AS version FROM revocations
     WHERE session_id = ${session.id} OR account_id = ${session.account.id}`)

describe('a new password', () => {
  test('ends the other sessions for good and leaves the one that asks', async () => {
    const { id, username } = await register()
    const [own, other, elsewhere] = [
      await signIn(username),
      await signIn(username),
      await signIn(username, password, contextOf(realmWith('elsewhere', {}))),
    ]
    await change(own)
    expect(await rows.openSessions(id)).toBe(1)
    for (const one of [other, elsewhere]) {
      expect(await revocationsOf(one)).toHaveLength(1)
      expect(await service.identity.isTokenActive(claimsOf(one))).toBe(false)
      expect(await errorCodeOf(service.identity.refresh(one.refreshToken, context))).toBe(
        'identity.invalid_refresh_token',
      )
    }
    // Its token is in no list; only who has to ask hears that the account has moved on, and gets a token anew.
    expect(await revocationsOf(own)).toEqual([])
    expect(await service.identity.isTokenActive(claimsOf(own))).toBe(false)
    const next = await service.identity.refresh(own.refreshToken, context)
    expect(next.id).toBe(own.id)
    expect(claimsOf(next)).toMatchObject({ ver: 2 })
    expect(await service.identity.isTokenActive(claimsOf(next))).toBe(true)
    expect(await service.identity.isTokenActive(claimsOf(other))).toBe(false)
  })

  test('is the only one that signs in from then on', async () => {
    const { username } = await register()
    await change(await signIn(username))
    expect(await errorCodeOf(signIn(username))).toBe('identity.invalid_credentials')
    expect(await errorCodeOf(signIn(username, renewed))).toBeUndefined()
  })

  test('voids links that would set another, and sign-ins that wait for a code', async () => {
    const { username, email } = await register()
    const own = await signIn(username)
    const { resetToken = '' } = await service.identity.requestPasswordReset({ email }, context)
    const always = contextOf(realmWith('always', { secondFactor: 'always' }))
    const waiting = await service.identity.login({ identifier: username, password }, always)
    await change(own)
    expect(
      await errorCodeOf(service.identity.resetPassword({ token: resetToken, password: 'a third horse' }, context)),
    ).toBe('identity.invalid_link')
    if (waiting.kind !== 'second_factor') throw new Error('a second factor is asked of everybody')
    const { sessionToken, code = '' } = waiting.challenge
    expect(await errorCodeOf(service.identity.verifySecondFactor({ sessionToken, code }, always))).toBe(
      'identity.invalid_code',
    )
  })

  test('is told to a proven address, and logged', async () => {
    const [proven, unproven] = [await register(), await register({ emailVerified: false })]
    for (const { username } of [proven, unproven]) await change(await signIn(username))
    expect(await rows.mails(proven.id)).toEqual(['password_changed'])
    expect(await rows.mails(unproven.id)).toEqual([])
    expect((await rows.activities(proven.id)).at(-1)).toEqual({ action: 'change_password', details: {} })
  })

  test('has to fit the rule', async () => {
    const { username } = await register()
    const own = await signIn(username)
    await expect(change(own, password, 'short')).rejects.toMatchObject({
      code: 'identity.password_too_short',
      details: { problems: ['identity.password_too_short'] },
    })
    expect(await errorCodeOf(signIn(username))).toBeUndefined()
  })

  test('is set by one of those who ask at once', async () => {
    const { username } = await register()
    const own = await signIn(username)
    const asked = Array.from({ length: 4 }, (_, turn) => change(own, password, `${renewed} ${turn}`))
    expect(await tallyOf(asked)).toEqual({ success: 1, 'identity.wrong_password': 3 })
  })

  test('does not let a sign-in with the old one outlive it that is under way', async () => {
    const { id, username } = await register()
    const own = await signIn(username)
    await rows.overtaking(
      id,
      () => change(own),
      (tx) =>
        tx.run(sql`
          INSERT INTO sessions (id, account_id, contract, expires_at)
          VALUES (${newId()}, ${id}, 'changes', now() + interval '1 day')`),
    )
    expect(await rows.openSessions(id)).toBe(1)
    expect(await errorCodeOf(service.identity.refresh(own.refreshToken, context))).toBeUndefined()
  })
})

describe('a wrong present password', () => {
  test('is refused, changes nothing and counts as a failed sign-in', async () => {
    const { id, username } = await register()
    const own = await signIn(username)
    for (let turn = 0; turn < failures; turn += 1) {
      expect(await errorCodeOf(change(own, 'wrong horse'))).toBe('identity.wrong_password')
    }
    expect(await errorCodeOf(change(own))).toBe('identity.wrong_password')
    expect(await errorCodeOf(signIn(username))).toBe('identity.invalid_credentials')
    expect(await rows.mails(id)).toEqual(['account_locked'])
    expect(await rows.openSessions(id)).toBe(1)
  })

  test('is forgotten by a change that succeeds', async () => {
    const { username } = await register()
    const own = await signIn(username)
    await errorCodeOf(change(own, 'wrong horse'))
    await errorCodeOf(change(own, 'wrong horse'))
    await change(own)
    for (let turn = 1; turn < failures; turn += 1) await errorCodeOf(signIn(username, 'wrong horse'))
    expect(await errorCodeOf(signIn(username, renewed))).toBeUndefined()
  })

  test('is all there is where nobody set one', async () => {
    const { id, username } = await register()
    const own = await signIn(username)
    await service.database.run(sql`UPDATE accounts SET password_hash = NULL WHERE id = ${id}`)
    expect(await errorCodeOf(change(own, ''))).toBe('identity.wrong_password')
  })
})

test('a deactivated or deleted account changes no password', async () => {
  const [one, two] = [await register(), await register()]
  const sessions = [await signIn(one.username), await signIn(two.username)] as const
  await service.identity.admin.setActive(one.username, false, context.realm)
  await service.identity.removeMember(two.id, context)
  expect(await errorCodeOf(change(sessions[0]))).toBe('identity.wrong_password')
  expect(await errorCodeOf(change(sessions[1]))).toBe('identity.account_not_found')
})
