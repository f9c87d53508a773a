import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { Realm, RequestContext } from '../realm/index.ts'
import { addressChangesPerHour, linksPerAddress, undoTtl } from './limits.ts'
import { recentMails } from './mails/mailbox.ts'
import type { Session } from './sessions/index.ts'

const service = identityService('change_of_address')
const rows = identityRows(service)
const password = 'correct horse'

const realm: Realm = {
  ...realmWith('moving', { identifier: 'email', verifiedEmail: 'mailed' }),
  links: { ...testRealm.links, verifyEmail: ({ token }) => `/verify?token=${token}` },
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
const open = (token: string, given = password) => service.identity.confirmAddress({ token, password: given }, context)
async function moving(input: Parameters<typeof settled>[0] = {}) {
  const person = await settled(input)
  await propose(person.id, person.next)
  return { ...person, token: await tokenFor(person.next) }
}
async function moved(input: Parameters<typeof settled>[0] = {}) {
  const person = await moving(input)
  expect(await open(person.token)).toEqual({ kind: 'changed' })
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
    expect(await mailedTo(email, next)).toEqual([`confirm_address to ${next}`])
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
    expect(await open(token)).toEqual({ kind: 'changed' })
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
    await signIn('without-one')
    await propose(account.id, next)
    await open(await tokenFor(next))
    expect(await find(account.id)).toMatchObject({ username: 'without-one', email: next, emailVerified: true })
    for (const identifier of ['without-one', next]) expect(await signedInAs(identifier)).toBe(account.id)
  })

  test('takes the new address from an account that never proved it, which goes by its id and keeps its password', async () => {
    const { id, next, token } = await moving()
    const squatter = await service.identity.createAccount({ email: next, password: 'another horse' }, trusting)
    await open(token)
    expect(await find(id)).toMatchObject({ email: next, username: next })
    const { id: theirs } = squatter.account
    expect(await service.identity.accounts.find(theirs, trusting)).toMatchObject({ email: null, username: theirs })
    expect(await signedInAs(next)).toBe(id)
    expect(await errorCodeOf(signIn(next, trusting, 'another horse'))).toBe('identity.invalid_credentials')
    expect((await signIn(theirs, trusting, 'another horse')).account.id).toBe(theirs)
  })

  test('makes the new address the name where it was that of a deleted account', async () => {
    const { id, next, token } = await moving()
    const { account } = await service.identity.createAccount({ email: next, password }, trusting)
    await service.identity.removeMember(account.id, trusting)
    await open(token)
    expect(await find(id)).toMatchObject({ email: next, username: next })
    expect(await signedInAs(next)).toBe(id)
  })

  test('makes the id the name where the new address is a name that was retired', async () => {
    const { id, next, token } = await moving()
    await service.database.run(sql`
      INSERT INTO retired_usernames (tenant_id, username_hash)
      SELECT tenant_id, sha256(convert_to(${next}, 'UTF8')) FROM accounts WHERE id = ${id}`)
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

describe('the link to a new address', () => {
  test.each([
    ['by itself', (token: string) => service.identity.verifyEmail({ token }, context), 'identity.invalid_link'],
    ['with a wrong password', (token: string) => open(token, 'wrong horse'), 'identity.wrong_password'],
    [
      'in another realm',
      (token: string) => service.identity.confirmAddress({ token, password }, trusting),
      'identity.invalid_link',
    ],
  ])('changes nothing %s', async (_how, attempt, code) => {
    const { id, email, token } = await moving()
    expect(await errorCodeOf(attempt(token))).toBe(code)
    expect(await find(id)).toMatchObject({ email, username: email })
    expect(await open(token)).toEqual({ kind: 'changed' })
    expect(await errorCodeOf(open(token)), 'it works once').toBe('identity.invalid_link')
  })

  test('counts wrong passwords as sign-ins are counted, and is locked with them', async () => {
    const { email, token } = await moving()
    for (let turn = 0; turn < realm.policy.lockout.failures; turn += 1) await errorCodeOf(open(token, 'wrong horse'))
    expect(await errorCodeOf(open(token))).toBe('identity.wrong_password')
    expect(await signedInAs(email)).toBeUndefined()
  })

  test('asks who has a second factor for the code that goes to the address before', async () => {
    const { id, email, next, token } = await moving()
    await service.database.run(sql`UPDATE accounts SET second_factor = true WHERE id = ${id}`)
    const asked = await open(token)
    if (asked.kind !== 'second_factor') throw new Error('a code is asked for')
    expect(await find(id)).toMatchObject({ email })
    expect(await mailedTo(email)).toContain(`mfa_code to ${email}`)
    const { sessionToken, code = '' } = asked.challenge
    const byCode = (given: string) =>
      service.identity.confirmAddressByCode({ token, sessionToken, code: given }, context)
    expect(await errorCodeOf(byCode(code === '999999' ? '100000' : '999999'))).toBe('identity.invalid_code')
    expect(await byCode(code)).toEqual({ kind: 'changed' })
    expect(await find(id)).toMatchObject({ email: next })
    expect(await errorCodeOf(byCode(code))).toBe('identity.invalid_link')
  })

  test('takes no code of somebody else', async () => {
    const [one, other] = [await moving(), await moving()]
    await service.database.run(sql`UPDATE accounts SET second_factor = true WHERE id IN (${one.id}, ${other.id})`)
    const asked = await open(other.token)
    if (asked.kind !== 'second_factor') throw new Error('a code is asked for')
    const { sessionToken, code = '' } = asked.challenge
    const crossed = service.identity.confirmAddressByCode({ token: one.token, sessionToken, code }, context)
    expect(await errorCodeOf(crossed)).toBe('identity.invalid_code')
    expect(await find(one.id)).toMatchObject({ email: one.email })
  })

  test('refuses tokens from before, in every realm', async () => {
    const { email, token } = await moving()
    const [here, there] = [claimsOf(await signIn(email)), claimsOf(await signIn(email, trusting))]
    await open(token)
    expect(await service.identity.isTokenActive(here)).toBe(false)
    expect(await service.identity.isTokenActive(there)).toBe(false)
  })
})

describe('the address before', () => {
  /** The token of the oldest undo that was mailed to it. */
  const undoOf = async (email: string): Promise<string> => {
    const { id } = await service.database.one(sql<{ id: string }>`
      SELECT id FROM verification_tokens WHERE email = ${email} AND token_type = 'address_undo' ORDER BY id LIMIT 1`)
    return service.identity.secrets.tokenOf(id)
  }
  const undo = (token: string, given?: string) =>
    service.identity.undoAddress({ token, ...(given !== undefined && { password: given }) }, context)

  test('takes the account back: address, name, second factor; every session ends, and a reset is mailed', async () => {
    const { id, email, next } = await moved()
    await service.database.run(sql`UPDATE accounts SET second_factor = true WHERE id = ${id}`)
    await service.database.run(sql`UPDATE accounts SET second_factor = false WHERE id = ${id}`)
    const thief = await signIn(next)
    const token = await undoOf(email)
    expect(await service.identity.readUndo(token, context)).toEqual({ email, needsPassword: false })
    await service.database.run(sql`UPDATE accounts SET second_factor = true WHERE id = ${id}`)
    await undo(token)
    expect(await find(id)).toMatchObject({ email, username: email, emailVerified: true, secondFactor: false })
    expect(await service.identity.isTokenActive(claimsOf(thief))).toBe(false)
    expect(await errorCodeOf(service.identity.refresh(thief.refreshToken, context))).toBe(
      'identity.invalid_refresh_token',
    )
    expect(await signedInAs(next)).toBeUndefined()
    expect(await mailedTo(email)).toContain(`reset_password to ${email}`)
    expect(await errorCodeOf(undo(token)), 'once').toBe('identity.invalid_link')
  })

  test('counts by the oldest: who moved the account in between cannot take it', async () => {
    const { id, email, next } = await moved()
    const further = newAddress()
    await propose(id, further)
    await open(await tokenFor(further))
    expect(await errorCodeOf(undo(await undoOf(next)))).toBe('identity.invalid_link')
    expect((await find(id)).email).toBe(further)
    await undo(await undoOf(email))
    expect((await find(id)).email).toBe(email)
    expect(await errorCodeOf(undo(await undoOf(next))), 'ended with it').toBe('identity.invalid_link')
  })

  test('is nobody else’s for seven days, and free after that', async () => {
    const { email } = await moved()
    const register = () => service.identity.createAccount({ email, password: 'another horse' }, context)
    expect(await errorCodeOf(register())).toBe('identity.username_taken')
    const other = await moving()
    await service.database.run(sql`UPDATE verification_tokens SET email = ${email} WHERE email = ${other.next}`)
    expect(await errorCodeOf(open(other.token))).toBe('identity.invalid_link')
    await service.database.run(sql`
      UPDATE verification_tokens SET created_at = created_at - make_interval(secs => ${undoTtl}),
             expires_at = expires_at - make_interval(secs => ${undoTtl}) WHERE email = ${email} AND token_type = 'address_undo'`)
    expect(await errorCodeOf(undo(await undoOf(email)))).toBe('identity.invalid_link')
    expect(await errorCodeOf(register())).toBeUndefined()
  })

  test('is taken from nobody who claims it for a change that is not made', async () => {
    const { email } = await moved()
    const [claims, other] = [await settled({ emailVerified: false }), await moving()]
    await service.database.run(sql`UPDATE accounts SET email = ${email} WHERE id = ${claims.id}`)
    await service.database.run(sql`UPDATE verification_tokens SET email = ${email} WHERE email = ${other.next}`)
    expect(await errorCodeOf(open(other.token))).toBe('identity.invalid_link')
    expect(await find(claims.id)).toMatchObject({ email })
  })

  test('takes the account back though whoever moved it has set another password since', async () => {
    const byReset = await moved()
    const resetToken = (await recovery(byReset.next)) ?? ''
    await service.identity.resetPassword({ token: resetToken, password: 'another horse' }, context)
    const byChange = await moved()
    const claims = claimsOf(await signIn(byChange.next))
    await service.identity.changePassword({ current: password, password: 'another horse' }, claims, context)
    for (const { id, email } of [byReset, byChange]) {
      await undo(await undoOf(email))
      expect(await find(id)).toMatchObject({ email, username: email })
    }
  })

  test('asks for the password where its own code confirmed the change', async () => {
    const { id, email, token } = await moving()
    await service.database.run(sql`UPDATE accounts SET second_factor = true WHERE id = ${id}`)
    const asked = await open(token)
    if (asked.kind !== 'second_factor') throw new Error('a code is asked for')
    const { sessionToken, code = '' } = asked.challenge
    await service.identity.confirmAddressByCode({ token, sessionToken, code }, context)
    const back = await undoOf(email)
    expect((await service.identity.readUndo(back, context)).needsPassword).toBe(true)
    for (const wrong of [undefined, 'wrong horse'])
      expect(await errorCodeOf(undo(back, wrong))).toBe('identity.wrong_password')
    await undo(back, password)
    expect((await find(id)).email).toBe(email)
  })
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
    for (let turn = 0; turn < addressChangesPerHour + 2; turn += 1) await propose(id, newAddress())
    expect(await rows.mails(id)).toHaveLength(addressChangesPerHour)
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

test('of many guesses sent at once the right one is refused too', async () => {
  const person = await settled()
  await propose(person.id, person.next)
  const token = await tokenFor(person.next)
  const guesses = [...Array.from({ length: 20 }, (_, turn) => `wrong horse ${turn}`), password]
  const answers = await Promise.all(guesses.map((given) => errorCodeOf(open(token, given))))
  expect(answers).toEqual(guesses.map(() => 'identity.wrong_password'))
  expect((await find(person.id)).email).toBe(person.email)
})
