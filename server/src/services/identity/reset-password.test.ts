import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import { resetsPerHour } from './limits.ts'

const service = identityService('reset_password')
const rows = identityRows(service)
const password = 'correct horse'
const renewed = 'another horse'

const context = contextOf(realmWith('resets', { identifier: 'email', verifiedEmail: 'mailed' }))
const other = contextOf(realmWith('other', { identifier: 'email' }))
const named = contextOf(realmWith('several-tenants', { identifier: 'email', tenant: 'named' }))

let people = 0
async function register(input: { emailVerified?: boolean; secondFactor?: boolean } = {}) {
  people += 1
  const email = `person${people}@example.org`
  const given = { email, password, quietly: true, emailVerified: true, ...input }
  const { account } = await service.identity.createAccount(given, context)
  return { id: account.id, email }
}
const signIn = (email: string, given: string, by: RequestContext = context) =>
  service.identity.login({ identifier: email, password: given }, by)
async function session(email: string, given = password) {
  const result = await signIn(email, given)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session
}
async function link(email: string, by: RequestContext = context): Promise<string> {
  const { resetToken } = await service.identity.requestPasswordReset({ email }, by)
  if (resetToken === undefined) throw new Error(`nothing was mailed to ${email}`)
  return resetToken
}
const reset = (token: string, given = renewed, by: RequestContext = context) =>
  service.identity.resetPassword({ token, password: given }, by)

describe('a request', () => {
  test('for an address that nobody has is answered alike and writes nothing', async () => {
    const written = () =>
      service.database.one(sql<Record<string, number>>`
        SELECT (SELECT count(*) FROM verification_tokens) AS links, (SELECT count(*) FROM mail_jobs) AS mails,
               (SELECT count(*) FROM activities) AS activities, (SELECT count(*) FROM outbox_events) AS events`)
    const before = await written()
    const answer = await service.identity.requestPasswordReset({ email: 'nobody@example.org' }, context)
    expect(answer).toEqual({ resetToken: undefined })
    expect(await written()).toEqual(before)
  })

  test('mails the owner however the address is written, and is logged', async () => {
    const { id, email } = await register()
    expect(await link(` ${email.toUpperCase()} `)).toMatch(/^[\w-]{64}$/)
    expect(await rows.mails(id)).toEqual(['reset_password'])
    expect((await rows.activities(id)).at(-1)).toEqual({ action: 'reset_password_request', details: {} })
  })

  test('mails nobody who is deactivated', async () => {
    const { id, email } = await register()
    await service.identity.admin.setActive(email, false, context.realm)
    expect(await service.identity.requestPasswordReset({ email }, context)).toEqual({ resetToken: undefined })
    expect(await rows.mails(id)).toEqual([])
  })

  test('is mailed five times within the hour, also when ten come at once', async () => {
    const { id, email } = await register()
    const asked = Array.from({ length: 10 }, () => service.identity.requestPasswordReset({ email }, context))
    const mailed = (await Promise.all(asked)).filter(({ resetToken }) => resetToken !== undefined)
    expect(mailed).toHaveLength(resetsPerHour)
    expect(await rows.mails(id)).toHaveLength(resetsPerHour)
    expect(await service.identity.requestPasswordReset({ email }, context)).toEqual({ resetToken: undefined })
    await rows.age(id, 1)
    expect(await link(email)).toMatch(/^[\w-]{64}$/)
  })

  test('goes to whose address it is proven to be, not to others who state it', async () => {
    const squatter = await register({ emailVerified: false })
    const { account: owner } = await service.identity.createAccount(
      { username: `owner${people}`, email: squatter.email, emailVerified: true, password },
      contextOf(testRealm),
    )
    // Nobody yet: the address is not the squatter's, and its owner is no member of the realm.
    await service.identity.requestPasswordReset({ email: squatter.email }, context)
    expect(await rows.mails(owner.id)).toEqual([])
    expect(await rows.mails(squatter.id)).toEqual([])
    await signIn(owner.username, password, context)
    await link(squatter.email)
    expect(await rows.mails(owner.id)).toEqual(['joined', 'reset_password'])
    expect(await rows.mails(squatter.id)).toEqual([])
  })

  test('is for one tenant when it names one, and for all of the address otherwise', async () => {
    const email = 'everywhere@example.org'
    const ids: string[] = []
    for (const tenant of ['North', 'South']) {
      const given = { email, password, tenant, emailVerified: true }
      ids.push((await service.identity.createAccount(given, named)).account.id)
    }
    const mails = () => Promise.all(ids.map(rows.mails))
    await service.identity.requestPasswordReset({ email, tenant: ' south ' }, named)
    expect(await mails()).toEqual([[], ['reset_password']])
    await service.identity.requestPasswordReset({ email }, named)
    expect(await mails()).toEqual([['reset_password'], ['reset_password', 'reset_password']])
  })
})

describe('a link', () => {
  test('sets the password once: everybody signed in is out, everywhere, and the owner is told', async () => {
    const { id, email } = await register()
    const [one, two] = [await session(email), await signIn(email, password, other)]
    const token = await link(email)
    const account = await reset(token)
    expect(account.id).toBe(id)
    expect(await rows.openSessions(id)).toBe(0)
    for (const held of [one, two.kind === 'session' ? two.session : one]) {
      expect(await service.identity.isTokenActive(claimsOf(held))).toBe(false)
    }
    expect(await errorCodeOf(service.identity.refresh(one.refreshToken, context))).toBe(
      'identity.invalid_refresh_token',
    )
    const revoked = await service.database.many(
      sql<{ realm: string; version: number; lasting: boolean }>`
        SELECT realm, minimum_version AS version, until > now() + interval '1 hour' AS lasting
          FROM revocations WHERE account_id = ${id} ORDER BY realm`,
    )
    const realms = [context.realm.name, other.realm.name].sort()
    expect(revoked).toEqual(realms.map((realm) => ({ realm, version: 2, lasting: true })))
    expect(await errorCodeOf(signIn(email, password))).toBe('identity.invalid_credentials')
    expect(claimsOf(await session(email, renewed))).toMatchObject({ uid: id, ver: 2 })
    expect(await errorCodeOf(reset(token, 'a third horse'))).toBe('identity.invalid_link')
    expect(await rows.mails(id)).toEqual(['joined', 'reset_password', 'password_changed'])
    expect((await rows.activities(id)).map(({ action }) => action)).toContain('reset_password')
  })

  test('is used by one of those who send it at once', async () => {
    const { id, email } = await register()
    const token = await link(email)
    const sent = Array.from({ length: 6 }, (_, turn) => reset(token, `${renewed} ${turn}`))
    expect(await tallyOf(sent)).toEqual({ success: 1, 'identity.invalid_link': 5 })
    expect((await rows.mails(id)).filter((kind) => kind === 'password_changed')).toHaveLength(1)
  })

  test('voids every other link of the account, also when both are sent at once', async () => {
    const { email } = await register()
    const [first, second] = [await link(email), await link(email)]
    await reset(second)
    expect(await errorCodeOf(reset(first, 'a third horse'))).toBe('identity.invalid_link')
    const both = [await link(email), await link(email)]
    expect(await tallyOf(both.map((token) => reset(token)))).toEqual({ success: 1, 'identity.invalid_link': 1 })
  })

  test('proves the address that it was mailed to', async () => {
    const { id, email } = await register({ emailVerified: false })
    const token = await link(email)
    await reset(token)
    expect((await service.identity.accounts.find(id, context)).emailVerified).toBe(true)
  })

  test('is void when another account proved the address meanwhile', async () => {
    const { id, email } = await register({ emailVerified: false })
    const token = await link(email)
    await service.identity.createAccount(
      { username: `late${people}`, email, emailVerified: true },
      contextOf(testRealm),
    )
    expect(await errorCodeOf(reset(token))).toBe('identity.invalid_link')
    expect((await service.identity.accounts.find(id, context)).emailVerified).toBe(false)
    expect(await rows.mails(id)).toEqual(['reset_password'])
  })

  test('stays good while the new password does not fit', async () => {
    const { email } = await register()
    const token = await link(email)
    await expect(reset(token, 'short')).rejects.toMatchObject({
      code: 'identity.password_too_short',
      details: { problems: ['identity.password_too_short'] },
    })
    expect(await errorCodeOf(reset(token))).toBeUndefined()
  })

  test("is held to what the account's tenant asks for", async () => {
    const email = 'strict@example.org'
    await service.identity.admin.changeTenant('Strict', { minPasswordScore: 4 })
    const given = { email, tenant: 'Strict', emailVerified: true, password: 'seven otters juggle brass kettles' }
    await service.identity.createAccount(given, named)
    const { resetToken = '' } = await service.identity.requestPasswordReset({ email, tenant: 'Strict' }, named)
    expect(await errorCodeOf(reset(resetToken, 'password123', named))).toBe('identity.password_too_weak')
  })

  test('is refused when it is late, of another contract, of another kind, or forged', async () => {
    const { id, email } = await register()
    const token = await link(email)
    const proof = await service.identity.createAccount({ email: 'unproven@example.org', password }, context)
    const others = [proof.verificationToken ?? '', `${token.slice(0, -2)}AA`, '', newId()]
    for (const one of others) expect(await errorCodeOf(reset(one))).toBe('identity.invalid_link')
    expect(await errorCodeOf(reset(token, renewed, other))).toBe('identity.invalid_link')
    await service.database.run(sql`
      UPDATE verification_tokens SET expires_at = now() WHERE account_id = ${id} AND used_at IS NULL`)
    expect(await errorCodeOf(reset(token))).toBe('identity.invalid_link')
    expect(await errorCodeOf(signIn(email, password))).toBeUndefined()
  })

  test('opens nothing to a deactivated account', async () => {
    const { email } = await register()
    const token = await link(email)
    await service.identity.admin.setActive(email, false, context.realm)
    expect(await errorCodeOf(reset(token))).toBe('identity.invalid_link')
  })

  test('ends sign-ins that wait for a code', async () => {
    const { email } = await register({ secondFactor: true })
    const waiting = await signIn(email, password)
    if (waiting.kind !== 'second_factor') throw new Error('a second factor is enrolled')
    await reset(await link(email))
    const { sessionToken, code = '' } = waiting.challenge
    expect(await errorCodeOf(service.identity.verifySecondFactor({ sessionToken, code }, context))).toBe(
      'identity.invalid_code',
    )
  })

  test('opens a locked account, whose owner asked for it', async () => {
    const { email } = await register()
    for (let turn = 0; turn < context.realm.policy.lockout.failures; turn += 1) {
      expect(await errorCodeOf(signIn(email, 'wrong horse'))).toBe('identity.invalid_credentials')
    }
    expect(await errorCodeOf(signIn(email, password))).toBe('identity.invalid_credentials')
    await reset(await link(email))
    expect(await errorCodeOf(signIn(email, renewed))).toBeUndefined()
  })
})

test('a sign-in with the old password that is under way does not outlive the reset', async () => {
  const { id, email } = await register()
  const token = await link(email)
  const sessionId = newId()
  await rows.overtaking(
    id,
    () => reset(token),
    (tx) =>
      tx.run(sql`
        INSERT INTO sessions (id, account_id, contract, expires_at)
        VALUES (${sessionId}, ${id}, ${context.realm.name}, now() + interval '1 day')`),
  )
  expect(await rows.openSessions(id)).toBe(0)
})

describe('after a reset', () => {
  test('a change of address that was begun before it can not be finished', async () => {
    const { id, email } = await register({ emailVerified: false })
    const stranger = `stranger${people}@example.net`
    await service.identity.proposeEmail(id, stranger, context)
    const pending = await service.database.many(sql<{ id: string }>`
      SELECT id FROM verification_tokens WHERE account_id = ${id} AND email = ${stranger} AND revoked_at IS NULL`)
    expect(pending).toHaveLength(1)
    await reset(await link(email))
    const open = await service.database.many(sql<{ id: string }>`
      SELECT id FROM verification_tokens WHERE account_id = ${id} AND used_at IS NULL AND revoked_at IS NULL`)
    expect(open).toEqual([])
    expect(await service.identity.accounts.find(id, context)).toMatchObject({ email, emailVerified: true })
  })
})
