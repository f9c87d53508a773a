import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { Realm, RequestContext } from '../realm/index.ts'
import { linksPerAddress, verificationsPerHour } from './limits.ts'
import { recentMails } from './mails/mailbox.ts'
import type { Session } from './sessions/index.ts'

const service = identityService('change_of_address')
const rows = identityRows(service)
const password = 'correct horse'

const realm: Realm = {
  ...realmWith('moving', { identifier: 'email', verifiedEmail: 'mailed' }),
  links: {
    verifyEmail: ({ token }) => `/verify?token=${token}`,
    resetPassword: ({ token }) => `/reset?token=${token}`,
  },
}
const context = contextOf(realm)
/** The same accounts, by a contract that takes addresses at their word. */
const trusting = contextOf(realmWith('trusting', { identifier: 'email' }))

let addresses = 0
const newAddress = () => {
  addresses += 1
  return `person${addresses}@example.org`
}
async function settled(input: { username?: string; emailVerified?: boolean } = {}) {
  const email = newAddress()
  const given = { email, password, emailVerified: true, quietly: true, ...input }
  const { account } = await service.identity.createAccount(given, context)
  return { id: account.id, email, next: newAddress() }
}
const propose = (id: string, email: string) => service.identity.proposeEmail(id, email, context)
/** The token of the newest link that was recorded for the address. */
async function tokenFor(email: string): Promise<string> {
  const { id } = await service.database.one(sql<{ id: string }>`
    SELECT id FROM verification_tokens WHERE email = ${email} ORDER BY id DESC LIMIT 1`)
  return service.identity.secrets.tokenOf(id)
}
const open = (token: string) => service.identity.verifyEmail({ token }, context)
async function moving(input: Parameters<typeof settled>[0] = {}) {
  const person = await settled(input)
  await propose(person.id, person.next)
  return { ...person, token: await tokenFor(person.next) }
}
async function moved(input: Parameters<typeof settled>[0] = {}) {
  const person = await moving(input)
  expect(await open(person.token)).toMatchObject({ already: false, account: { id: person.id, email: person.next } })
  return person
}

async function signIn(identifier: string, by: RequestContext = context, given = password): Promise<Session> {
  const result = await service.identity.login({ identifier, password: given }, by)
  if (result.kind !== 'session') throw new Error('no second factor is asked')
  return result.session
}
const signedInAs = async (identifier: string): Promise<string | undefined> =>
  signIn(identifier).then(
    ({ account }) => account.id,
    () => undefined,
  )
const recovery = async (email: string) => (await service.identity.requestPasswordReset({ email }, context)).resetToken
const find = (id: string) => service.identity.accounts.find(id, context)
const mailedTo = async (...emails: string[]) => {
  const sources = {
    secrets: service.identity.secrets,
    realmNamed: () => realm,
    baseUrlOf: () => 'https://test.example',
  }
  const mails = await recentMails({ database: service.database, ...sources })()
  return mails.filter(({ to }) => emails.includes(to)).map(({ to, kind }) => `${kind} to ${to}`)
}

describe('until its link is opened, a change of address', () => {
  test('is mailed to the new one only', async () => {
    const { email, next, token } = await moving()
    expect(await mailedTo(email, next)).toEqual([`verify_email to ${next}`])
    expect(token).toMatch(/^[\w-]{64}$/)
  })

  test('leaves sign-in and recovery with the one before', async () => {
    const { id, email, next } = await moving()
    expect(await find(id)).toMatchObject({ email, username: email, emailVerified: true })
    expect(await signedInAs(email)).toBe(id)
    expect(await signedInAs(next)).toBeUndefined()
    expect(await recovery(next)).toBeUndefined()
    expect(await recovery(email)).toMatch(/^[\w-]{64}$/)
  })

  test('is ended by a new password that its owner was mailed a link for', async () => {
    const { id, email, token } = await moving()
    const resetToken = (await recovery(email)) ?? ''
    await service.identity.resetPassword({ token: resetToken, password: 'another horse' }, context)
    expect(await errorCodeOf(open(token))).toBe('identity.invalid_link')
    expect((await find(id)).email).toBe(email)
  })

  test('is ended by a change of the password', async () => {
    const { id, email, token } = await moving()
    const claims = claimsOf(await signIn(email))
    await service.identity.changePassword({ current: password, password: 'another horse' }, claims, context)
    expect(await errorCodeOf(open(token))).toBe('identity.invalid_link')
    expect((await find(id)).email).toBe(email)
  })

  test('outlives a change of the password that somebody gets wrong', async () => {
    const { email, token } = await moving()
    const claims = claimsOf(await signIn(email))
    const change = service.identity.changePassword(
      { current: 'wrong horse', password: 'another horse' },
      claims,
      context,
    )
    expect(await errorCodeOf(change)).toBe('identity.wrong_password')
    expect(await open(token)).toMatchObject({ already: false })
  })
})

describe('once its link is opened, a change of address', () => {
  test('moves sign-in, recovery and the name that was the address', async () => {
    const { id, email, next } = await moved()
    expect(await find(id)).toMatchObject({ email: next, username: next, emailVerified: true })
    expect(await signedInAs(next)).toBe(id)
    expect(await signedInAs(email)).toBeUndefined()
    expect(await recovery(email)).toBeUndefined()
    expect(await recovery(next)).toMatch(/^[\w-]{64}$/)
  })

  test('leaves a name that was chosen', async () => {
    const { id, next } = await moved({ username: 'chosen' })
    expect(await find(id)).toMatchObject({ username: 'chosen', email: next })
    expect(await signedInAs('chosen')).toBe(id)
  })

  test('leaves the name of an account that had none', async () => {
    const next = newAddress()
    const { account } = await service.identity.createAccount(
      { username: 'without-one', password },
      contextOf(testRealm),
    )
    await propose(account.id, next)
    await open(await tokenFor(next))
    expect(await find(account.id)).toMatchObject({ username: 'without-one', email: next, emailVerified: true })
    for (const identifier of ['without-one', next]) expect(await signedInAs(identifier)).toBe(account.id)
  })

  test('makes the id the name where another account goes by the new address, which signs in here nevertheless', async () => {
    const { id, next, token } = await moving()
    const squatter = await service.identity.createAccount({ email: next, password: 'another horse' }, trusting)
    await open(token)
    expect(await find(id)).toMatchObject({ email: next, username: id })
    expect(await find(squatter.account.id)).toMatchObject({ email: next, username: next, emailVerified: false })
    expect(await signedInAs(next)).toBe(id)
    expect(await errorCodeOf(signIn(next, trusting, 'another horse'))).toBe('identity.invalid_credentials')
  })

  test('makes the id the name where the new address was the name of a deleted account', async () => {
    const { id, next, token } = await moving()
    const { account } = await service.identity.createAccount({ email: next, password }, trusting)
    await service.identity.deleteAccount(account.id)
    await open(token)
    expect(await find(id)).toMatchObject({ email: next, username: id })
    expect(await signedInAs(next)).toBe(id)
  })

  test('is told to the address before, if that was proven', async () => {
    const proven = await moved()
    expect(await mailedTo(proven.email)).toEqual([`address_changed to ${proven.email}`])
    const unproven = await moved({ emailVerified: false })
    expect(await mailedTo(unproven.email)).toEqual([])
  })

  test('ends the links that were mailed to the address before', async () => {
    const { id, email, next, token } = await moving()
    const resetToken = (await recovery(email)) ?? ''
    await open(token)
    const reset = service.identity.resetPassword({ token: resetToken, password: 'another horse' }, context)
    expect(await errorCodeOf(reset)).toBe('identity.invalid_link')
    expect(await signedInAs(next)).toBe(id)
  })

  test('is over: the other address that was proposed meanwhile is not proven any more', async () => {
    const { id, next, token } = await moving()
    const other = newAddress()
    await propose(id, other)
    const otherToken = await tokenFor(other)
    await open(token)
    expect(await errorCodeOf(open(otherToken))).toBe('identity.invalid_link')
    expect((await find(id)).email).toBe(next)
  })
})

test('an address that another account proves first stays that account’s', async () => {
  const { id, email, next, token } = await moving()
  await service.identity.createAccount({ username: 'was-faster', email: next, emailVerified: true }, context)
  expect(await errorCodeOf(open(token))).toBe('identity.invalid_link')
  expect(await find(id)).toMatchObject({ email, username: email })
})

describe('nothing is mailed', () => {
  test('for the address that the account proved already', async () => {
    const { id, email } = await settled()
    await propose(id, ` ${email.toUpperCase()} `)
    expect(await rows.mails(id)).toEqual([])
  })

  test('unless nobody proved it yet', async () => {
    const { id, email } = await settled({ emailVerified: false })
    await propose(id, email)
    expect(await mailedTo(email)).toEqual([`verify_email to ${email}`])
  })

  test('above the links that an account may be mailed in an hour', async () => {
    const { id } = await settled()
    for (let turn = 0; turn < verificationsPerHour + 2; turn += 1) await propose(id, newAddress())
    expect(await rows.mails(id)).toHaveLength(verificationsPerHour)
  })
})

describe('one address, by however many accounts,', () => {
  const mailsTo = async (email: string) =>
    (
      await service.database.one(sql<{ count: number }>`
        SELECT count(*) AS count FROM mail_jobs m JOIN verification_tokens v ON v.id = m.challenge_id
         WHERE v.email = ${email}`)
    ).count
  const many = Array.from({ length: linksPerAddress + 3 }, (_, turn) => turn)
  const named = contextOf({ ...realm, name: 'named', policy: { ...realm.policy, tenant: 'named' } })

  test('is mailed ten links in an hour to register with, and the registrations succeed', async () => {
    const email = newAddress()
    const ids: string[] = []
    for (const turn of many) {
      const { account } = await service.identity.createAccount({ email, password, tenant: `tenant ${turn}` }, named)
      ids.push(account.id)
    }
    expect(new Set(ids).size).toBe(many.length)
    expect(await mailsTo(email)).toBe(linksPerAddress)
    // What was registered without a mail is mailed one later, when there is room again.
    const last = ids.at(-1) ?? ''
    expect(await errorCodeOf(service.identity.resendVerification(last, named))).toBe('identity.too_many_links')
    for (const id of ids) await rows.age(id, 1)
    expect(await errorCodeOf(service.identity.resendVerification(last, named))).toBeUndefined()
  })

  test('is mailed ten links in an hour to move to', async () => {
    const target = newAddress()
    for (const _turn of many) await propose((await settled()).id, target)
    expect(await mailsTo(target)).toBe(linksPerAddress)
  })

  test('is mailed ten links in an hour of all kinds together', async () => {
    const email = newAddress()
    for (const turn of [1, 2, 3, 4]) {
      await service.identity.createAccount({ email, password, tenant: `mixed ${turn}` }, named)
    }
    for (const _turn of [1, 2, 3]) await propose((await settled()).id, email)
    await service.identity.requestPasswordReset({ email }, named)
    expect(await mailsTo(email)).toBe(linksPerAddress)
  })
})

test('an address that no mail server takes is refused, and nothing is mailed', async () => {
  const { id } = await settled()
  for (const email of ['a..b@example.org', '.a@example.org', 'a.@example.org', `${'x'.repeat(65)}@example.org`]) {
    expect(await errorCodeOf(propose(id, email))).toBe('identity.email_invalid')
    expect(await mailedTo(email)).toEqual([])
  }
})
