import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'
import type { NewAccountInput } from './create-account.ts'

const service = identityService('tenants')
const password = 'correct horse'
const { roles } = testRealm.policy
const realm = realmWith('tenants', {
  identifier: 'email',
  tenant: 'named',
  roles: {
    ...roles,
    tenantCreator: 'manager',
    permissions: { ...roles.permissions, manager: ['accounts:read', 'accounts:manage'] },
  },
})
const context = contextOf(realm)

const create = async (input: NewAccountInput) =>
  (await service.identity.createAccount({ password, ...input }, context)).account
const signIn = async (identifier: string, tenant: string) => {
  const result = await service.identity.login({ identifier, password, tenant }, context)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session.account
}
const tenantsNamed = async (name: string): Promise<number> =>
  (
    await service.database.one(
      sql<{ count: number }>`SELECT count(*) AS count FROM tenants WHERE lower(name) = lower(${name})`,
    )
  ).count

describe('a tenant', () => {
  test('is made by the first who names it, who manages it; the second is a person', async () => {
    const first = await create({ email: 'one@example.org', tenant: '  Acme   Rockets ' })
    const second = await create({ email: 'two@example.org', tenant: 'ACME rockets' })
    expect(first).toMatchObject({ role: 'manager', tenant: { name: 'Acme Rockets' } })
    expect(second).toMatchObject({ role: 'user', tenant: first.tenant })
  })

  test('is made once by those who name it at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, turn) =>
        create({ email: `racer${turn}@example.org`, tenant: turn % 2 ? 'race' : 'Race' }),
      ),
    )
    expect(await tenantsNamed('race')).toBe(1)
    expect(new Set(made.map(({ tenant }) => tenant.id)).size).toBe(1)
    expect(made.filter(({ role }) => role === 'manager')).toHaveLength(1)
  })

  test('is not made by a registration that is refused', async () => {
    const refused = service.identity.createAccount(
      { email: 'x@example.org', password: 'x', tenant: 'Nothing' },
      context,
    )
    expect(await errorCodeOf(refused)).toBe('identity.password_too_short')
    expect(await tenantsNamed('Nothing')).toBe(0)
  })

  test('that there was before has no creator: its first person is nobody special', async () => {
    expect((await create({ email: 'plain@example.org', tenant: 'Main' })).role).toBe('user')
  })

  test('has people and passwords of its own: one address may be in two', async () => {
    const here = await create({ email: 'both@example.org', tenant: 'Here' })
    const there = await create({ email: 'both@example.org', tenant: 'There', password: 'another horse' })
    expect(there.id).not.toBe(here.id)
    expect((await signIn('both@example.org', 'HERE ')).id).toBe(here.id)
    expect(await errorCodeOf(signIn('both@example.org', 'There'))).toBe('identity.invalid_credentials')
    expect(await errorCodeOf(create({ email: 'both@example.org', tenant: 'here' }))).toBe('identity.username_taken')
  })

  test.each<[string, Partial<RequestContext>]>([
    ['strangers', { device: 'strange', ipPrefix: '198.51.100.7' }],
    ['a device known in both', { ipPrefix: '198.51.100.8' }],
    ['a network known in both', { device: 'strange' }],
  ])('has failures of its own: those of %s on a name lock it in no other', async (who, from) => {
    const email = `${who.replaceAll(' ', '.')}@example.org`
    for (const tenant of ['Locked', 'Open']) {
      await create({ email, tenant })
      await signIn(email, tenant)
    }
    const given = (tenant: string, tried = password) =>
      errorCodeOf(service.identity.login({ identifier: email, password: tried, tenant }, contextOf(realm, from)))
    for (let turn = 0; turn < realm.policy.lockout.failures; turn += 1) await given('Locked', 'wrong horse')
    expect(await given('Locked')).toBe('identity.invalid_credentials')
    expect(await given('Open')).toBeUndefined()
  })

  test.each([
    ['no name', undefined],
    ['a name of spaces', '   '],
    ['a name of more than a hundred characters', 'x'.repeat(101)],
  ])('with %s is refused', async (_what, tenant) => {
    expect(await errorCodeOf(create({ email: 'nowhere@example.org', tenant }))).toBe('identity.tenant_invalid')
    const signingIn = service.identity.login({ identifier: 'a@example.org', password, tenant }, context)
    expect(await errorCodeOf(signingIn)).toBe('identity.tenant_invalid')
  })

  test('that does not exist is like a wrong password to who signs in', async () => {
    expect(await errorCodeOf(signIn('one@example.org', 'No Such Tenant'))).toBe('identity.invalid_credentials')
    expect(await tenantsNamed('No Such Tenant')).toBe(0)
  })
})

describe("a tenant's settings", () => {
  test('make who joins wait until somebody activates them', async () => {
    await create({ email: 'boss@example.org', tenant: 'Closed' })
    await service.identity.admin.changeTenant('closed', { approval: true })
    const joined = await create({ email: 'joins@example.org', tenant: 'Closed' })
    expect(joined.active).toBe(false)
    expect(await errorCodeOf(signIn('joins@example.org', 'Closed'))).toBe('identity.deactivated')
    await service.identity.admin.setActive('joins@example.org', true, realm, 'Closed')
    expect((await signIn('joins@example.org', 'Closed')).id).toBe(joined.id)
  })

  test('ask for stronger passwords, and cannot ask for weaker ones', async () => {
    await service.identity.admin.changeTenant('Strict', { minPasswordScore: 4 })
    const weak = create({ email: 'weak@example.org', tenant: 'strict', password: 'password123' })
    await expect(weak).rejects.toMatchObject({ details: { problems: ['identity.password_too_weak'] } })
    const own = create({ email: 'own@example.org', tenant: 'Strict', password: 'own@example.org Strict' })
    expect(await errorCodeOf(own)).toBe('identity.password_too_weak')
    const strong = create({
      email: 'strong@example.org',
      tenant: 'Strict',
      password: 'seven otters juggle brass kettles',
    })
    expect(await errorCodeOf(strong)).toBeUndefined()

    await service.identity.admin.changeTenant('Lax', { minPasswordScore: 0 })
    const short = create({ email: 'short@example.org', tenant: 'Lax', password: 'abc' })
    expect(await errorCodeOf(short)).toBe('identity.password_too_short')
  })

  test('are kept beside those that are set later', async () => {
    await service.identity.admin.changeTenant('Both', { approval: true })
    expect(await service.identity.admin.changeTenant('both', { minPasswordScore: 2 })).toEqual({
      approval: true,
      minPasswordScore: 2,
    })
  })
})

test('a tenant whose name has half a surrogate pair is none', async () => {
  for (const tenant of ['\ud800', 'Acme \udc00', '\udc00\ud800']) {
    const input = { email: 'half@example.org', tenant }
    expect(await errorCodeOf(create(input))).toBe('identity.tenant_invalid')
    expect(await errorCodeOf(signIn(input.email, tenant))).toBe('identity.tenant_invalid')
  }
  expect((await create({ email: 'fox@example.org', tenant: 'Acme \ud83e\udd8a' })).tenant.name).toBe('Acme 🦊')
})
