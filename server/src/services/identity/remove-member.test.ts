import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { operator, type RequestContext } from '../realm/index.ts'

const service = identityService('remove_member')
const rows = identityRows(service)
const password = 'correct horse'

const realmNamed = (name: string) => contextOf(realmWith(name, { identifier: 'email' }))
const [here, there] = [realmNamed('here'), realmNamed('there')]

let people = 0
/** Somebody who is a member of both realms, with a session in each. */
async function ofBoth() {
  people += 1
  const email = `person${people}@example.org`
  const given = { email, password, emailVerified: true }
  const { account } = await service.identity.createAccount(given, here)
  return { id: account.id, email, session: await signIn(email, here), other: await signIn(email, there) }
}
async function signIn(email: string, context: RequestContext) {
  const result = await service.identity.login({ identifier: email, password }, context)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session
}
const remove = (accountId: string, context = here) => service.identity.removeMember(accountId, context)
const link = async (email: string, context: RequestContext) =>
  (await service.identity.requestPasswordReset({ email }, context)).resetToken ?? ''
const typesOf = async (accountId: string) => (await rows.events(accountId)).map(({ type }) => type)
const exists = async (accountId: string) => (await service.identity.internalApi.find(accountId)) !== undefined

describe('the end of a membership', () => {
  test('leaves the other realm’s as it was: session, tokens, role and links', async () => {
    const { id, email, session, other } = await ofBoth()
    await service.identity.admin.grantRole(email, 'admin', there.realm)
    const renewed = await service.identity.refresh(other.refreshToken, there)
    const [resetHere, resetThere] = [await link(email, here), await link(email, there)]
    await remove(id)

    expect(await service.identity.isTokenActive(claimsOf(session))).toBe(false)
    expect(await errorCodeOf(service.identity.refresh(session.refreshToken, here))).toBe(
      'identity.invalid_refresh_token',
    )
    expect(await errorCodeOf(service.identity.accounts.find(id, here))).toBe('identity.account_not_found')
    expect(await service.identity.isTokenActive(claimsOf(renewed))).toBe(true)
    expect(await errorCodeOf(service.identity.refresh(renewed.refreshToken, there))).toBeUndefined()
    expect(await service.identity.accounts.find(id, there)).toMatchObject({ role: 'admin', active: true })
    const reset = (token: string, context: RequestContext) =>
      errorCodeOf(service.identity.resetPassword({ token, password: 'another horse' }, context))
    expect(await reset(resetHere, here)).toBe('identity.invalid_link')
    expect(await reset(resetThere, there)).toBeUndefined()
    expect((await rows.events(id)).filter(({ type }) => type === 'membership.ended')).toMatchObject([
      { data: { realm: 'here', since: expect.any(String) } },
    ])
    expect(await typesOf(id)).not.toContain('account.deleted')
  })

  test('ends the account with the last one, and tells both', async () => {
    const { id, email, other } = await ofBoth()
    await remove(id)
    expect(await exists(id)).toBe(true)
    await remove(id, there)
    expect(await exists(id)).toBe(false)
    const ends = (await rows.events(id)).slice(-2)
    expect(ends).toMatchObject([{ type: 'membership.ended', data: { realm: 'there' } }, { type: 'account.deleted' }])
    expect(await service.identity.isTokenActive(claimsOf(other))).toBe(false)
    const { account } = await service.identity.createAccount({ email, password }, here)
    expect(account.id).not.toBe(id)
  })

  test('changes nothing when it is over, or never was', async () => {
    const { id } = await ofBoth()
    const third = contextOf(realmWith('third', {}))
    await remove(id, third)
    await remove(id)
    const events = await rows.events(id)
    const { revision } = await service.database.one(sql<{ revision: number }>`
      SELECT revision FROM accounts WHERE id = ${id}`)
    await remove(id)
    await remove(id, third)
    expect(await rows.events(id)).toEqual(events)
    expect(await service.database.one(sql`SELECT revision FROM accounts WHERE id = ${id}`)).toEqual({ revision })
    expect(await exists(id)).toBe(true)
  })

  test('is not undone by who activates, or gives a role', async () => {
    const { id, email } = await ofBoth()
    await remove(id)
    const { setActive, grantRole } = service.identity.admin
    expect(await errorCodeOf(setActive(email, true, here.realm))).toBe('identity.account_not_found')
    expect(await errorCodeOf(grantRole(email, 'admin', here.realm))).toBe('identity.account_not_found')
    expect(await errorCodeOf(signIn(email, here))).toBe('identity.invalid_credentials')
  })

  test('in both realms at once takes the account along, once', async () => {
    const { id } = await ofBoth()
    const lock = sql`SELECT id FROM accounts WHERE id = ${id} FOR UPDATE`
    await Promise.all(await rows.allAtOnce(lock, [() => remove(id), () => remove(id, there), () => remove(id)]))
    expect(await exists(id)).toBe(false)
    const types = await typesOf(id)
    expect(types.filter((type) => type === 'membership.ended')).toHaveLength(2)
    expect(types.filter((type) => type === 'account.deleted')).toHaveLength(1)
    expect(types.at(-1)).toBe('account.deleted')
  })

  test('is not that of the last administrator of the realm, who may leave another', async () => {
    const { id, email } = await ofBoth()
    const alone = realmNamed('alone')
    await service.identity.createAccount({ email, role: 'admin' }, operator(alone.realm))
    expect(await errorCodeOf(remove(id, alone))).toBe('identity.last_administrator')
    await remove(id)
    await remove(id, there)
    expect(await service.identity.internalApi.find(id)).toMatchObject({
      memberships: [{ realm: 'alone', role: 'admin' }],
    })
    const second = { email: `second${people}@example.org`, password, role: 'admin' }
    await service.identity.createAccount(second, operator(alone.realm))
    await remove(id, alone)
    expect(await exists(id)).toBe(false)
  })
})
