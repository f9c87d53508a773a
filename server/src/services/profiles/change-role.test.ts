import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'

const service = profilesService('change role')
const context = contextIn()
const administrator = { accountId: '00000000-0000-7000-8000-000000000001' }
const changeRole = (id: string, role: string) => service.profiles.changeRole(id, role, administrator, context)

describe('changing a role', () => {
  test('asks identity, shows the role, tells and logs it once', async () => {
    const { id, number } = await service.person()
    expect(await changeRole(id, 'admin')).toMatchObject({ accountId: id, role: 'admin' })
    expect(service.accounts.asked.at(-1)).toBe(`changeRole: ${id}, admin, ${administrator.accountId}, test`)
    // What identity tells of it afterwards is known.
    await service.tell('membership.role_changed', id, { realm: 'test', role: 'admin' })
    expect(await changeRole(id, 'admin')).toMatchObject({ role: 'admin' })
    expect(await service.events(id)).toEqual([
      { type: 'test.role_changed', sequence: 1, data: { accountId: id, number, email: null, role: 'admin' } },
    ])
    expect((await service.logged(id)).slice(1)).toEqual([
      {
        type: 'role_changed',
        data: { role: 'admin', by: administrator.accountId },
        ip: '192.0.2.1',
        userAgent: 'tests',
      },
    ])
  })

  test('is told once also when the event is faster', async () => {
    const { id } = await service.person()
    const { changeRole: inIdentity } = service.accounts
    service.accounts.changeRole = async (...about) => {
      await inIdentity(...about)
      await service.tell('membership.role_changed', id, { realm: 'test', role: 'admin' })
    }
    expect(await changeRole(id, 'admin')).toMatchObject({ role: 'admin' })
    service.accounts.changeRole = inIdentity
    expect((await service.events(id)).map(({ type }) => type)).toEqual(['test.role_changed'])
    expect((await service.logged(id)).map(({ type }) => type)).toEqual(['profile_created', 'role_changed'])
  })

  test.each(['identity.unknown_role', 'identity.not_oneself', 'identity.last_administrator', 'identity.not_allowed'])(
    'that identity refuses with %s changes nothing',
    async (code) => {
      const { id, number } = await service.person()
      service.accounts.break('changeRole', code)
      expect(await errorCodeOf(changeRole(id, 'admin'))).toBe(code)
      service.accounts.mend()
      expect((await service.profiles.read(number, context)).role).toBe('user')
      expect(await service.events(id)).toEqual([])
    },
  )

  test('changes that of the realm, and of no other', async () => {
    const { id } = await service.person({ memberships: [memberOf('test', 'agent'), memberOf('other', 'manager')] })
    expect(await changeRole(id, 'admin')).toMatchObject({ role: 'admin' })
    expect(await service.own(id, 'other')).toMatchObject({ role: 'manager' })
    expect((await service.events(id)).map(({ type }) => type)).toEqual(['test.role_changed'])
  })

  test('of nobody, of another tenant and of another realm, is refused before identity is asked', async () => {
    const { id } = await service.person({ tenant: 'other' })
    const elsewhere = await service.person({ memberships: [memberOf('other')] })
    const before = service.accounts.asked.length
    for (const account of [id, elsewhere.id, crypto.randomUUID()]) {
      expect(await errorCodeOf(changeRole(account, 'admin'))).toBe('profiles.not_found')
    }
    expect(service.accounts.asked).toHaveLength(before)
  })
})
