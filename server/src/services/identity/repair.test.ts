import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'

const service = identityService('repair')
const rows = identityRows(service)
const password = 'correct horse'
const realm = realmWith('repaired', {})
const [context, elsewhere] = [contextOf(realm), contextOf(realmWith('elsewhere', {}))]

let people = 0
async function register() {
  people += 1
  const username = `person${people}`
  const email = `${username}@example.org`
  const { account } = await service.identity.createAccount({ username, email, password, emailVerified: true }, context)
  return { id: account.id, username, email, whose: { name: username, realm, by: 'an operator' } }
}
async function signIn(identifier: string, by = context, given = password) {
  const result = await service.identity.login({ identifier, password: given }, by)
  if (result.kind !== 'session') throw new Error('no code is asked for')
  return result.session
}
const loggedBy = async (id: string) =>
  (await rows.activities(id)).flatMap(({ action, details }) =>
    details.operator ? [`${action} ${details.operator}`] : [],
  )

describe('an operator', () => {
  test('sets a password by the rule: sessions of every realm end, the owner is told, the log says who', async () => {
    const { id, username, whose } = await register()
    const sessions = [await signIn(username), await signIn(username, elsewhere)]
    expect(await errorCodeOf(service.identity.repair.setPassword(whose, 'short'))).toBe('identity.password_too_short')
    await service.identity.repair.setPassword(whose, 'another horse')
    for (const session of sessions) expect(await service.identity.isTokenActive(claimsOf(session))).toBe(false)
    expect(await errorCodeOf(signIn(username))).toBe('identity.invalid_credentials')
    expect((await signIn(username, context, 'another horse')).account.id).toBe(id)
    expect(await rows.mails(id)).toContain('password_changed')
    expect(await loggedBy(id)).toEqual(['set_password an operator'])
  })

  test('moves an account to an address: sessions end, the one before is told and may undo it', async () => {
    const { id, username, email, whose } = await register()
    const session = await signIn(username)
    await service.identity.repair.setEmail(whose, ' New.Address@Example.org ')
    expect(await service.identity.accounts.find(id, context)).toMatchObject({
      email: 'new.address@example.org',
      emailVerified: true,
    })
    expect(await service.identity.isTokenActive(claimsOf(session))).toBe(false)
    expect(await rows.openSessions(id)).toBe(0)
    expect(await rows.mails(id)).toContain('address_changed')
    expect(await loggedBy(id)).toEqual(['set_address an operator'])
    const [undo] = await service.database.many(sql<{ id: string }>`
      SELECT id FROM verification_tokens WHERE token_type = 'address_undo' AND email = ${email}`)
    await service.identity.undoAddress({ token: service.identity.secrets.tokenOf(undo?.id ?? '') }, context)
    expect((await service.identity.accounts.find(id, context)).email).toBe(email)
  })

  test('moves nobody to what is no address, or is somebody’s', async () => {
    const [one, other] = [await register(), await register()]
    const to = (email: string) => errorCodeOf(service.identity.repair.setEmail(one.whose, email))
    expect(await to('nowhere')).toBe('identity.email_invalid')
    expect(await to(other.email)).toBe('identity.invalid_link')
    expect((await service.identity.accounts.find(one.id, context)).email).toBe(one.email)
  })

  test('mails a link to choose a password, and says when there is nowhere to mail it', async () => {
    const { id, whose } = await register()
    expect(await service.identity.repair.mailResetLink(whose)).toBe(true)
    expect(await rows.mails(id)).toEqual(['reset_password'])
    expect(await loggedBy(id)).toEqual(['mail_reset_link an operator'])
    await service.identity.createAccount({ username: 'without-address', password }, context)
    expect(await service.identity.repair.mailResetLink({ ...whose, name: 'without-address' })).toBe(false)
  })

  test('deletes an account with all its memberships, but no last administrator', async () => {
    const { id, username, whose } = await register()
    const session = await signIn(username, elsewhere)
    await service.identity.admin.grantRole(username, 'admin', elsewhere.realm)
    expect(await errorCodeOf(service.identity.repair.deleteAccount(whose))).toBe('identity.last_administrator')
    const deputy = await register()
    await signIn(deputy.username, elsewhere)
    await service.identity.admin.grantRole(deputy.username, 'admin', elsewhere.realm)
    await service.identity.repair.deleteAccount(whose)
    expect(await service.identity.isTokenActive(claimsOf(session))).toBe(false)
    const told = (await rows.events(id)).map(({ type, data }) => `${type} ${data.realm ?? ''}`.trim())
    expect(told.slice(-3).toSorted()).toEqual([
      'account.deleted',
      'membership.ended elsewhere',
      'membership.ended repaired',
    ])
    expect(await errorCodeOf(service.identity.repair.deleteAccount(whose))).toBe('identity.account_not_found')
  })

  test('lets the name of a deleted account be used again', async () => {
    const { username, email, whose } = await register()
    await service.identity.repair.deleteAccount(whose)
    const again = () => service.identity.createAccount({ username, email, password }, context)
    expect(await errorCodeOf(again())).toBe('identity.username_taken')
    expect(await service.identity.repair.releaseName({ ...whose, name: username.toUpperCase() })).toBe(true)
    expect(await service.identity.repair.releaseName(whose)).toBe(false)
    expect(await errorCodeOf(again())).toBeUndefined()
  })
})
