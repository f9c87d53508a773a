import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import {
  contextOf,
  identityService,
  realmWith,
  testContext,
  testRealm,
} from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { Session } from './index.ts'

const service = identityService('operate')
const rows = identityRows(service)
const password = 'correct horse'
const elsewhere = realmWith('elsewhere', {})

let people = 0
async function register(input: { secondFactor?: boolean; emailVerified?: boolean; role?: string } = {}) {
  people += 1
  const username = `person${people}`
  const email = `${username}@example.org`
  const given = { username, email, password, emailVerified: true, ...input }
  const { account } = await service.identity.createAccount(given, testContext)
  return { id: account.id, username, email }
}
async function signIn(identifier: string, context = testContext): Promise<Session> {
  const result = await service.identity.login({ identifier, password }, context)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session
}
const admin = () => service.identity.admin

describe('an operator', () => {
  test('gives a role in one contract, by username or proven address, and says so', async () => {
    const { id, username, email } = await register()
    const before = await signIn(username)
    expect(await admin().grantRole(email.toUpperCase(), 'admin', testRealm)).toMatchObject({ id, role: 'admin' })
    expect(await service.identity.isTokenActive(claimsOf(before))).toBe(false)
    expect(claimsOf(await signIn(username))).toMatchObject({ role: 'admin' })
    expect(claimsOf(await signIn(username, contextOf(elsewhere)))).toMatchObject({ role: 'user' })
    expect((await rows.events(id)).filter(({ type }) => type === 'membership.role_changed')).toMatchObject([
      { data: { realm: 'test', role: 'admin' } },
    ])
    expect(await service.identity.hasAdministrator(testRealm)).toBe(true)
    expect(await service.identity.hasAdministrator(elsewhere)).toBe(false)
  })

  test('reaches nobody by an address that is not proven', async () => {
    const { email } = await register({ emailVerified: false })
    expect(await errorCodeOf(admin().grantRole(email, 'admin', testRealm))).toBe('identity.account_not_found')
  })

  test('turns the second factor off', async () => {
    const { id, username } = await register({ secondFactor: true })
    const asked = await service.identity.login({ identifier: username, password }, testContext)
    expect(asked.kind).toBe('second_factor')
    expect(await admin().turnSecondFactorOff(username, testRealm)).toBe(true)
    expect((await signIn(username)).account.secondFactor).toBe(false)
    expect(await admin().turnSecondFactorOff(username, testRealm)).toBe(false)
    expect((await rows.activities(id)).map(({ action }) => action)).toContain('second_factor_off')
  })

  test('sees the live sessions of every contract, newest first, and ends them all', async () => {
    const { id, username } = await register()
    const agent = contextOf(elsewhere, { ip: '203.0.113.5', userAgent: 'agent' })
    const [first, second, third] = [await signIn(username), await signIn(username, agent), await signIn(username)]
    await service.database.run(sql`UPDATE sessions SET expires_at = now() WHERE id = ${third.id}`)
    const listed = await admin().listSessions(username, testRealm)
    expect(listed.map((one) => one.id)).toEqual([second.id, first.id])
    expect(listed[0]).toMatchObject({
      contract: 'elsewhere',
      ip: '203.0.113.5',
      userAgent: 'agent',
      amr: ['pwd'],
    })
    await service.database.run(sql`UPDATE sessions SET ended_at = now() WHERE id = ${third.id}`)
    expect(await admin().endSessions(username, testRealm)).toBe(2)
    expect(await rows.openSessions(id)).toBe(0)
    expect(await admin().listSessions(username, testRealm)).toEqual([])
    expect(await service.identity.isTokenActive(claimsOf(first))).toBe(false)
    expect(await errorCodeOf(service.identity.refresh(first.refreshToken, testContext))).toBe(
      'identity.invalid_refresh_token',
    )
    expect(await admin().endSessions(username, testRealm)).toBe(0)
  })

  test('deactivates and activates an account', async () => {
    const { username } = await register()
    expect(await admin().setActive(username, false, testRealm)).toMatchObject({ active: false })
    expect(await errorCodeOf(signIn(username))).toBe('identity.deactivated')
    expect(await admin().setActive(username, true, testRealm)).toMatchObject({ active: true })
    expect(await errorCodeOf(signIn(username))).toBeUndefined()
  })

  test('hears of a name that nobody has', async () => {
    const { unlock, grantRole, turnSecondFactorOff, listSessions, endSessions, setActive } = admin()
    const nobody = 'nobody-at-all'
    for (const attempt of [
      () => grantRole(nobody, 'admin', testRealm),
      () => turnSecondFactorOff(nobody, testRealm),
      () => listSessions(nobody, testRealm),
      () => endSessions(nobody, testRealm),
      () => setActive(nobody, false, testRealm),
    ])
      expect(await errorCodeOf(attempt())).toBe('identity.account_not_found')
    expect(await unlock(nobody, testRealm)).toBe(false)
  })
})

test('a deleted account takes its sessions, memberships and devices with it, and its tokens are refused', async () => {
  const { id, username } = await register()
  await admin().grantRole(username, 'admin', testRealm)
  const other = await register({ role: 'admin' })
  expect(other.id).not.toBe(id)
  const held = await signIn(username)
  await service.identity.removeMember(id, testContext)
  expect(await service.identity.isTokenActive(claimsOf(held))).toBe(false)
  expect(await errorCodeOf(service.identity.refresh(held.refreshToken, testContext))).toBe(
    'identity.invalid_refresh_token',
  )
  expect(await errorCodeOf(signIn(username))).toBe('identity.invalid_credentials')
  const left = await service.database.one(sql<Record<string, number>>`
    SELECT (SELECT count(*) FROM sessions WHERE account_id = ${id}) AS sessions,
           (SELECT count(*) FROM memberships WHERE account_id = ${id}) AS memberships,
           (SELECT count(*) FROM known_devices WHERE account_id = ${id}) AS devices,
           (SELECT count(*) FROM revocations WHERE account_id = ${id} AND realm IS NULL AND minimum_version > 1000000) AS revocations`)
  expect(left).toEqual({ sessions: 0, memberships: 0, devices: 0, revocations: 1 })
  expect(await errorCodeOf(service.identity.removeMember(id, testContext))).toBeUndefined()
  expect((await rows.events(id)).filter(({ type }) => type === 'account.deleted')).toHaveLength(1)
})
