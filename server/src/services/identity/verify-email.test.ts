import { describe, expect, test } from 'vitest'
import { errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import { verificationsPerHour } from './limits.ts'

const service = identityService('verify_email')
const rows = identityRows(service)
const password = 'correct horse'

const mailed = contextOf(realmWith('mailed', { identifier: 'email', verifiedEmail: 'mailed' }))
const other = contextOf(realmWith('other', { identifier: 'email', verifiedEmail: 'mailed' }))
const enrolling = contextOf(
  realmWith('enrolling', { identifier: 'email', verifiedEmail: 'required', verificationEnrols: true }),
)

let people = 0
async function register(context = mailed, email?: string) {
  people += 1
  const address = email ?? `person${people}@example.org`
  const input = { username: `person${people}`, email: address, password }
  const { account, verificationToken: token = '' } = await service.identity.createAccount(input, context)
  return { id: account.id, email: address, token }
}
const verify = (token: string, context: RequestContext = mailed, accountId?: string) =>
  service.identity.verifyEmail({ token, ...(accountId !== undefined && { accountId }) }, context)
const resend = (id: string, context: RequestContext = mailed) => service.identity.resendVerification(id, context)
const find = (id: string, context: RequestContext = mailed) => service.identity.accounts.find(id, context)

describe('a link that proves an address', () => {
  test('works once, and says so when it is opened again', async () => {
    const { id, email, token } = await register()
    const first = await verify(token, mailed, id)
    expect(first).toMatchObject({ already: false, account: { id, email, emailVerified: true, secondFactor: false } })
    expect(await verify(token)).toMatchObject({ already: true, account: { id, emailVerified: true } })
    expect(await rows.activities(id)).toEqual([
      { action: 'register', details: {} },
      { action: 'verify_email', details: {} },
    ])
  })

  test('is used by one of those who open it at once', async () => {
    const { id, token } = await register()
    const opened = await Promise.all(Array.from({ length: 8 }, () => verify(token)))
    expect(opened.filter(({ already }) => !already)).toHaveLength(1)
    expect((await rows.activities(id)).filter(({ action }) => action === 'verify_email')).toHaveLength(1)
  })

  test('is refused a day later', async () => {
    const { id, token } = await register()
    await rows.age(id, 24)
    expect(await errorCodeOf(verify(token))).toBe('identity.invalid_link')
    expect((await find(id)).emailVerified).toBe(false)
  })

  test("is refused as another account's, even once it was used", async () => {
    const [mine, theirs] = [await register(), await register()]
    expect(await errorCodeOf(verify(mine.token, mailed, theirs.id))).toBe('identity.invalid_link')
    expect((await find(mine.id)).emailVerified).toBe(false)
    await verify(mine.token)
    expect(await errorCodeOf(verify(mine.token, mailed, theirs.id))).toBe('identity.invalid_link')
  })

  test('is refused by another contract', async () => {
    const { id, token } = await register()
    expect(await errorCodeOf(verify(token, other))).toBe('identity.invalid_link')
    expect((await find(id)).emailVerified).toBe(false)
  })

  test('cannot be forged, nor be made of a link of another kind', async () => {
    const { id, email, token } = await register()
    const last = token.at(-1) === 'A' ? 'B' : 'A'
    const forged = Buffer.concat([Buffer.from(newId().replaceAll('-', ''), 'hex'), Buffer.alloc(32)])
    const { resetToken = '' } = await (await verifiedReset(email)).request()
    for (const one of [`${token.slice(0, -1)}${last}`, forged.toString('base64url'), '', token.slice(1), resetToken])
      expect(await errorCodeOf(verify(one))).toBe('identity.invalid_link')
    expect((await find(id)).emailVerified).toBe(false)
  })

  test('is void once another account of the tenant proved the address', async () => {
    const late = await register()
    const quick = await register(mailed, late.email)
    await verify(quick.token)
    expect(await errorCodeOf(verify(late.token))).toBe('identity.invalid_link')
    expect(await find(late.id)).toMatchObject({ emailVerified: false, email: null })
    expect(await find(quick.id)).toMatchObject({ emailVerified: true, email: quick.email })
  })

  test('takes the address from nobody while it is kept for an account that may take it back', async () => {
    const [before, claims] = [await register(), await register()]
    const link = await register(mailed, claims.email)
    await service.database.run(sql`
      INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at)
      VALUES (${newId()}, ${before.id}, 'mailed', 'address_undo', ${link.email}, now() + interval '1 hour')`)
    expect(await errorCodeOf(verify(link.token))).toBe('identity.invalid_link')
    for (const { id } of [claims, link])
      expect(await find(id)).toMatchObject({ email: claims.email, emailVerified: false })
    await service.database.run(sql`UPDATE verification_tokens SET expires_at = now() WHERE account_id = ${before.id}`)
    expect(await verify(link.token)).toMatchObject({ already: false, account: { email: claims.email } })
    expect(await find(claims.id)).toMatchObject({ email: null })
  })

  test('proves the address for one of two accounts at once', async () => {
    const one = await register()
    const two = await register(mailed, one.email)
    const tally = await tallyOf([verify(one.token), verify(two.token)])
    expect(tally).toEqual({ success: 1, 'identity.invalid_link': 1 })
  })

  test('of an account is void once another link proved it', async () => {
    const { id, token } = await register()
    const { verificationToken: second = '' } = await resend(id)
    await verify(second)
    expect(await errorCodeOf(verify(token))).toBe('identity.invalid_link')
  })

  test('turns the second factor on where the contract wants that, for good', async () => {
    const { id, token } = await register(enrolling)
    expect((await verify(token, enrolling)).account.secondFactor).toBe(true)
    expect((await service.identity.accounts.find(id, enrolling)).secondFactor).toBe(true)
  })
})

/** Another account with a proven address of its own, and a request for a link to reset its password. */
async function verifiedReset(not: string) {
  const { email, token } = await register()
  expect(email).not.toBe(not)
  await verify(token)
  return { request: () => service.identity.requestPasswordReset({ email }, mailed) }
}

describe('another link', () => {
  test('is mailed until there were three within the hour, the one from registration included', async () => {
    const { id } = await register()
    for (let turn = 1; turn < verificationsPerHour; turn += 1) {
      const { verificationToken } = await resend(id)
      expect(verificationToken).toMatch(/^[\w-]{64}$/)
    }
    expect(await errorCodeOf(resend(id))).toBe('identity.too_many_links')
    expect(await rows.mails(id)).toEqual(Array.from({ length: verificationsPerHour }, () => 'verify_email'))
    await rows.age(id, 1)
    expect(await errorCodeOf(resend(id))).toBeUndefined()
  })

  test('is asked for ten times at once and mailed no more often', async () => {
    const { id } = await register()
    expect(await tallyOf(Array.from({ length: 10 }, () => resend(id)))).toEqual({
      success: verificationsPerHour - 1,
      'identity.too_many_links': 10 - (verificationsPerHour - 1),
    })
    expect(await rows.mails(id)).toHaveLength(verificationsPerHour)
  })

  test('leaves the one before good', async () => {
    const { id, token } = await register()
    await resend(id)
    expect(await verify(token)).toMatchObject({ already: false })
  })

  test('is refused when the address is proven, and to nobody', async () => {
    const { id, token } = await register()
    await verify(token)
    expect(await errorCodeOf(resend(id))).toBe('identity.already_verified')
    expect(await errorCodeOf(resend(newId()))).toBe('identity.account_not_found')
  })

  test('is not mailed to a deactivated account', async () => {
    const { id, email } = await register()
    await service.identity.admin.setActive(`person${people}`, false, mailed.realm)
    expect(email).toContain(`person${people}`)
    expect(await errorCodeOf(resend(id))).toBe('identity.account_not_found')
  })
})
