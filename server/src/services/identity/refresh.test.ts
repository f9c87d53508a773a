import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testContext } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newRefreshToken } from './sessions/index.ts'

const service = identityService('refresh')
const rows = identityRows(service)
const password = 'correct horse'
const elsewhere = contextOf(realmWith('elsewhere', {}))
const withCode = contextOf(realmWith('with-code', { secondFactor: 'always' }))

let people = 0
async function signedIn(context = testContext) {
  people += 1
  const username = `person${people}`
  const input = { username, email: `${username}@example.org`, password, emailVerified: true }
  const { account } = await service.identity.createAccount(input, context)
  const result = await service.identity.login({ identifier: username, password }, context)
  if (result.kind === 'session') return { id: account.id, username, session: result.session }
  const { sessionToken, code = '' } = result.challenge
  const session = await service.identity.verifySecondFactor({ sessionToken, code }, context)
  return { id: account.id, username, session }
}
const refresh = (presented: string | readonly string[], context = testContext) =>
  service.identity.refresh(presented, context)
/** As if everything the session's tokens went through had been so many seconds earlier. */
const age = (sessionId: string, seconds: number) =>
  service.database.run(sql`
    UPDATE refresh_tokens SET replaced_at = replaced_at - make_interval(secs => ${seconds}) WHERE session_id = ${sessionId}`)

describe('a refresh', () => {
  test('keeps session, account and the way it was signed in', async () => {
    const { id, session } = await signedIn(withCode)
    const next = await refresh(session.refreshToken, withCode)
    expect(next.id).toBe(session.id)
    expect(next.refreshToken).not.toBe(session.refreshToken)
    expect(claimsOf(next)).toMatchObject({ sid: session.id, uid: id, amr: ['pwd', 'otp'], ver: 1, aud: 'with-code' })
    expect(claimsOf(next).jti).not.toBe(claimsOf(session).jti)
    const again = await refresh(next.refreshToken, withCode)
    expect(claimsOf(again)).toMatchObject({ sid: session.id, amr: ['pwd', 'otp'] })
  })

  test('is logged', async () => {
    const { id, session } = await signedIn()
    await refresh(session.refreshToken)
    expect((await rows.activities(id)).map(({ action }) => action)).toEqual(['register', 'login', 'refresh'])
  })

  test('brings the role and the version that the account has by now', async () => {
    const { username, session } = await signedIn()
    await service.identity.admin.grantRole(username, 'admin', testContext.realm)
    expect(claimsOf(await refresh(session.refreshToken))).toMatchObject({ role: 'admin', ver: 2 })
  })

  test('sent many times at once leads everybody to the same live token', async () => {
    const { session } = await signedIn()
    const all = await Promise.all(Array.from({ length: 8 }, () => refresh(session.refreshToken)))
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(1)
    expect(await errorCodeOf(refresh(all[0]?.refreshToken ?? ''))).toBeUndefined()
  })

  test('with a token replaced a moment ago goes on with the live one, however many came between', async () => {
    const { session } = await signedIn()
    let { refreshToken } = session
    for (let turn = 0; turn < 3; turn += 1) refreshToken = (await refresh(refreshToken)).refreshToken
    expect((await refresh(session.refreshToken)).refreshToken).toBe(refreshToken)
  })

  test('with a token replaced longer ago ends the session and says so', async () => {
    const { id, session } = await signedIn()
    const next = await refresh(session.refreshToken)
    await age(session.id, 31)
    expect(await errorCodeOf(refresh(session.refreshToken))).toBe('identity.invalid_refresh_token')
    expect(await errorCodeOf(refresh(next.refreshToken))).toBe('identity.invalid_refresh_token')
    expect(await service.identity.isTokenActive(claimsOf(next))).toBe(false)
    const { type, data } = (await rows.events(id)).at(-1) ?? {}
    expect({ type, data }).toEqual({
      type: 'session.revoked',
      data: { sessionId: session.id, contract: 'test', reason: 'refresh_token_reused' },
    })
    expect((await rows.activities(id)).at(-1)?.action).toBe('refresh_token_reused')
  })

  test.each([
    ['an unknown token', () => newRefreshToken()],
    ['an empty one', () => ''],
    ['no token at all', (): string[] => []],
  ])('is refused with %s', async (_what, token) => {
    expect(await errorCodeOf(refresh(token()))).toBe('identity.invalid_refresh_token')
  })

  test('is refused with an expired token', async () => {
    const { session } = await signedIn()
    await service.database.run(sql`UPDATE refresh_tokens SET expires_at = now() WHERE session_id = ${session.id}`)
    expect(await errorCodeOf(refresh(session.refreshToken))).toBe('identity.invalid_refresh_token')
  })
})

describe('of another contract', () => {
  test('a token is refused, said to be foreign, and stays good where it is from', async () => {
    const { id, session } = await signedIn(elsewhere)
    await expect(refresh(session.refreshToken)).rejects.toMatchObject({
      code: 'identity.invalid_refresh_token',
      details: { foreign: true },
    })
    await expect(refresh(newRefreshToken())).rejects.toMatchObject({ details: { foreign: false } })
    expect(await rows.openSessions(id)).toBe(1)
    expect((await refresh(session.refreshToken, elsewhere)).id).toBe(session.id)
  })

  test('even a replaced token revokes nothing', async () => {
    const { id, session } = await signedIn(elsewhere)
    const next = await refresh(session.refreshToken, elsewhere)
    await age(session.id, 3600)
    expect(await errorCodeOf(refresh(session.refreshToken))).toBe('identity.invalid_refresh_token')
    expect(await rows.openSessions(id)).toBe(1)
    expect(await errorCodeOf(refresh(next.refreshToken, elsewhere))).toBeUndefined()
  })

  test('tokens are passed over in a list: the own one is taken, wherever it stands', async () => {
    const foreign = await signedIn(elsewhere)
    const own = await signedIn()
    const next = await refresh([newRefreshToken(), foreign.session.refreshToken, own.session.refreshToken])
    expect(next.id).toBe(own.session.id)
    const first = await refresh([next.refreshToken, foreign.session.refreshToken])
    expect(first.id).toBe(own.session.id)
    expect((await refresh([foreign.session.refreshToken, next.refreshToken], elsewhere)).id).toBe(foreign.session.id)
  })

  test('of two own tokens the newer is taken', async () => {
    const { session } = await signedIn()
    const next = await refresh(session.refreshToken)
    await age(session.id, 3600)
    expect((await refresh([session.refreshToken, next.refreshToken])).id).toBe(session.id)
  })
})

describe('a session that is over', () => {
  test('by a logout is not refreshed, and another one goes on', async () => {
    const { id, username, session } = await signedIn()
    const second = await service.identity.login({ identifier: username, password }, testContext)
    if (second.kind !== 'session') throw new Error('no second factor is enrolled')
    await service.identity.logout(claimsOf(session), undefined, testContext)
    expect(await errorCodeOf(refresh(session.refreshToken))).toBe('identity.invalid_refresh_token')
    expect(await errorCodeOf(refresh(second.session.refreshToken))).toBeUndefined()
    expect(await rows.openSessions(id)).toBe(1)
    expect(await service.identity.isTokenActive(claimsOf(session))).toBe(false)
    expect(await service.identity.isTokenActive(claimsOf(second.session))).toBe(true)
  })

  test('by a logout with the refresh token of another one takes that along, only of the same account', async () => {
    const { id, username, session } = await signedIn()
    const stranger = await signedIn()
    const second = await service.identity.login({ identifier: username, password }, testContext)
    if (second.kind !== 'session') throw new Error('no second factor is enrolled')
    await service.identity.logout(claimsOf(session), stranger.session.refreshToken, testContext)
    expect(await rows.openSessions(stranger.id)).toBe(1)
    expect(await rows.openSessions(id)).toBe(1)
    await service.identity.logout(claimsOf(session), second.session.refreshToken, testContext)
    expect(await rows.openSessions(id)).toBe(0)
  })

  test('by a logout everywhere is not refreshed, in one contract or in all', async () => {
    const { id, username, session } = await signedIn()
    await service.identity.login({ identifier: username, password }, elsewhere)
    expect(await service.identity.logoutEverywhere(id, { contract: 'test' }, testContext)).toBe(1)
    expect(await errorCodeOf(refresh(session.refreshToken))).toBe('identity.invalid_refresh_token')
    expect(await rows.openSessions(id)).toBe(1)
    expect(await service.identity.logoutEverywhere(id, {}, testContext)).toBe(1)
    expect(await service.identity.logoutEverywhere(id, {}, testContext)).toBe(0)
  })

  test('by a deactivation is not refreshed', async () => {
    const { username, session } = await signedIn()
    await service.identity.admin.setActive(username, false, testContext.realm)
    expect(await errorCodeOf(refresh(session.refreshToken))).toBe('identity.invalid_refresh_token')
    await service.identity.admin.setActive(username, true, testContext.realm)
    expect(await errorCodeOf(refresh(session.refreshToken))).toBe('identity.invalid_refresh_token')
  })
})
