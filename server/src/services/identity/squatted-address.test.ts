import { describe, expect, test } from 'vitest'
import { errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'

const service = identityService('squatted_address')
const rows = identityRows(service)
const password = 'correct horse'
const theirs = 'the password of a squatter'

const byName = contextOf(testRealm)
/** Takes addresses at their word. */
const trusting = contextOf(realmWith('trusting', { identifier: 'email' }))
/** Wants them proven. */
const proving = contextOf(realmWith('proving', { identifier: 'email', verifiedEmail: 'required' }))

let addresses = 0
const newAddress = () => {
  addresses += 1
  return `person${addresses}@example.org`
}
const register = async (email: string, context = proving, given = password) => {
  const { account, verificationToken: token = '' } = await service.identity.createAccount(
    { email, password: given },
    context,
  )
  return { ...account, token }
}
const signIn = (identifier: string, given: string, context: RequestContext) =>
  service.identity.login({ identifier, password: given }, context)
const signedInAs = async (identifier: string, given: string, context: RequestContext) => {
  const result = await signIn(identifier, given, context)
  return result.kind === 'session' ? result.session.account.id : undefined
}

describe('a username that is an e-mail address', () => {
  test.each([
    ['nobody stated one', undefined],
    ['another one is stated', 'other@example.org'],
    ['the stated one only begins with it', 'v@corp.example.org'],
  ])('is refused where %s', async (_what, email) => {
    const attempt = service.identity.createAccount({ username: 'v@corp.example', password, email }, byName)
    expect(await errorCodeOf(attempt)).toBe('identity.username_invalid')
  })

  test('is fine as the account’s own, however the two are written', async () => {
    const [plain, written] = [newAddress(), newAddress()]
    const own = await service.identity.createAccount({ username: plain, email: plain, password }, byName)
    expect(own.account).toMatchObject({ username: plain, email: plain })
    const spelled = { username: written.toUpperCase(), email: ` ${written} `, password }
    expect((await service.identity.createAccount(spelled, byName)).account.email).toBe(written)
  })
})

describe('an address that an account of another contract took for its name without proving it', () => {
  const squatted = async () => {
    const email = newAddress()
    const squatter = await register(email, trusting, theirs)
    return { email, squatter: squatter.id }
  }

  test('keeps nobody away: the account goes by its id, and by the address once it is proven', async () => {
    const { email, squatter } = await squatted()
    const owner = await register(email)
    expect(owner).toMatchObject({ username: owner.id, email, emailVerified: false })
    expect(await signedInAs(email, theirs, trusting)).toBe(squatter)

    await service.identity.verifyEmail({ token: owner.token }, proving)
    expect(await signedInAs(email, password, proving)).toBe(owner.id)
    expect(await signedInAs(email, password, trusting)).toBe(owner.id)
    for (const context of [proving, trusting])
      expect(await errorCodeOf(signIn(email, theirs, context))).toBe('identity.invalid_credentials')
  })

  test('is recovered by who proved it, and not by who took it', async () => {
    const { email, squatter } = await squatted()
    const owner = await register(email)
    await service.identity.verifyEmail({ token: owner.token }, proving)
    // By a realm that the owner is no member of yet, by their own, and by the other once they joined it.
    await service.identity.requestPasswordReset({ email }, trusting)
    expect(await rows.mails(owner.id)).not.toContain('reset_password')
    const resets = async () => (await rows.mails(owner.id)).filter((kind) => kind === 'reset_password').length
    await service.identity.requestPasswordReset({ email }, proving)
    expect(await resets()).toBe(1)
    await signIn(email, password, trusting)
    await service.identity.requestPasswordReset({ email }, trusting)
    expect(await resets()).toBe(2)
    expect(await rows.mails(squatter)).not.toContain('reset_password')
  })

  test('goes to one of those who register at once', async () => {
    const { email } = await squatted()
    // Nobody writes an account before each of them has looked who has the address.
    const writing = sql`LOCK TABLE accounts IN SHARE MODE`
    const all = await rows.allAtOnce(
      writing,
      Array.from({ length: 4 }, () => () => register(email)),
    )
    expect(await tallyOf(all)).toEqual({ success: 1, 'identity.username_taken': 3 })
  })

  test('is taken for a second one of the same contract, until the first gave it up', async () => {
    const { email } = await squatted()
    const first = await register(email)
    expect(await errorCodeOf(register(email))).toBe('identity.username_taken')
    await rows.age(first.id, 25)
    const second = await register(email)
    expect(second.username).toBe(second.id)
    expect(await errorCodeOf(service.identity.verifyEmail({ token: first.token }, proving))).toBe(
      'identity.invalid_link',
    )
  })

  test('is taken where nobody has to prove it', async () => {
    const { email } = await squatted()
    const mailing = contextOf(realmWith('mailing', { identifier: 'email', verifiedEmail: 'mailed' }))
    expect(await errorCodeOf(register(email, mailing))).toBe('identity.username_taken')
  })

  test('is taken once its holder proved it', async () => {
    const email = newAddress()
    await service.identity.createAccount({ email, password: theirs, emailVerified: true }, trusting)
    expect(await errorCodeOf(register(email))).toBe('identity.username_taken')
  })
})

test('an address that another account only stated, under a name of its own, is the name of who registers with it', async () => {
  const email = newAddress()
  await service.identity.createAccount({ username: 'goes-by-this', email, password: theirs }, byName)
  const owner = await register(email)
  expect(owner.username).toBe(email)
  expect(await errorCodeOf(signIn(email, password, proving))).toBe('identity.email_unverified')
  expect(await errorCodeOf(register(email))).toBe('identity.username_taken')
})
