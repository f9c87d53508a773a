import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { AccountView } from '../realm/index.ts'
import type { AccountChange } from './administer.ts'

const service = identityService('administer')
const rows = identityRows(service)
const password = 'correct horse'

const roles = {
  ...testRealm.policy.roles,
  permissions: {
    user: [],
    reader: ['accounts:read'],
    helper: ['accounts:read', 'accounts:manage'],
    admin: ['accounts:read', 'accounts:manage', 'roles:grant'],
    owner: ['accounts:read', 'accounts:manage', 'roles:grant', 'tenants:cross'],
  },
} as const

/** Contracts with the same roles, each with administrators of its own. */
let contracts = 0
function newContract() {
  contracts += 1
  const realm = realmWith(`contract-${contracts}`, { tenant: 'named', roles })
  const context = contextOf(realm)
  let people = 0
  const person = async (role?: keyof typeof roles.permissions, tenant = realm.name) => {
    people += 1
    const username = `${realm.name}-${role ?? 'user'}-${people}`
    const { account } = await service.identity.createAccount({ username, password, role, tenant }, context)
    return account
  }
  return {
    realm,
    context,
    person,
    change: (by: AccountView, target: AccountView, change: AccountChange) =>
      service.identity.administer(target.number, change, { accountId: by.id }, context),
    async signIn({ username, tenant }: AccountView) {
      const result = await service.identity.login({ identifier: username, password, tenant: tenant.name }, context)
      if (result.kind !== 'session') throw new Error('no second factor is enrolled')
      return result.session
    },
    find: ({ id }: AccountView) => service.identity.accounts.find(id, context),
    administrators: async () =>
      (
        await service.database.one(sql<{ count: number }>`
          SELECT count(*) AS count FROM memberships WHERE realm = ${realm.name} AND administrator AND state = 'active'`)
      ).count,
  }
}

describe('a change of role', () => {
  test('is in force at once: older tokens are revoked, newer ones have it', async () => {
    const { realm, person, change, signIn } = newContract()
    const [admin, target] = [await person('admin'), await person()]
    const before = await signIn(target)
    expect(await change(admin, target, { role: 'helper' })).toMatchObject({
      id: target.id,
      role: 'helper',
      formerRole: 'user',
    })
    expect(await service.identity.isTokenActive(claimsOf(before))).toBe(false)
    const revoked = await service.database.many(
      sql`SELECT realm, minimum_version AS version FROM revocations WHERE account_id = ${target.id}`,
    )
    expect(revoked).toEqual([{ realm: realm.name, version: 2 }])
    expect(claimsOf(await signIn(target))).toMatchObject({ role: 'helper', ver: 2 })
    expect((await rows.events(target.id)).at(-1)).toEqual({
      type: 'membership.role_changed',
      sequence: 3,
      data: { realm: realm.name, role: 'helper' },
    })
  })

  test('to the role that somebody has changes nothing', async () => {
    const { person, change } = newContract()
    const [admin, target] = [await person('admin'), await person('helper')]
    expect(await change(admin, target, { role: 'helper' })).toMatchObject({ role: 'helper', formerRole: 'helper' })
    expect((await rows.events(target.id)).map(({ type }) => type)).toEqual(['account.registered', 'membership.started'])
  })

  test('is refused to who may not grant roles, and to an unknown role', async () => {
    const { person, change, find } = newContract()
    const [helper, admin, target] = [await person('helper'), await person('admin'), await person()]
    expect(await errorCodeOf(change(helper, target, { role: 'helper' }))).toBe('identity.not_allowed')
    expect(await errorCodeOf(change(helper, target, { role: 'helper', active: false }))).toBe('identity.not_allowed')
    expect(await errorCodeOf(change(admin, target, { role: 'emperor' }))).toBe('identity.unknown_role')
    expect(await find(target)).toMatchObject({ role: 'user', active: true })
  })
})

describe('a deactivation', () => {
  test('ends the sessions and every token, and can be undone', async () => {
    const { person, change, signIn } = newContract()
    const [helper, target] = [await person('helper'), await person()]
    const before = await signIn(target)
    expect(await change(helper, target, { active: false })).toMatchObject({ active: false })
    expect(await rows.openSessions(target.id)).toBe(0)
    expect(await service.identity.isTokenActive(claimsOf(before))).toBe(false)
    expect(await errorCodeOf(signIn(target))).toBe('identity.deactivated')
    await change(helper, target, { active: true })
    expect(await service.identity.isTokenActive(claimsOf(before))).toBe(false)
    expect(claimsOf(await signIn(target))).toMatchObject({ ver: 3 })
    expect((await rows.events(target.id)).map(({ type, sequence }) => [type, sequence])).toEqual([
      ['account.registered', 1],
      ['membership.started', 2],
      ['membership.deactivated', 3],
      ['membership.activated', 4],
    ])
  })

  test('does not let a sign-in outlive it that is under way', async () => {
    const { person, change, realm } = newContract()
    const [helper, target] = [await person('helper'), await person()]
    await rows.overtaking(
      target.id,
      () => change(helper, target, { active: false }),
      (tx) =>
        tx.run(sql`
          INSERT INTO sessions (id, account_id, contract, expires_at)
          VALUES (gen_random_uuid(), ${target.id}, ${realm.name}, now() + interval '1 day')`),
    )
    expect(await rows.openSessions(target.id)).toBe(0)
  })

  test('is logged with a change of role, and with nothing else', async () => {
    const { person, change } = newContract()
    const [admin, target] = [await person('admin'), await person()]
    await change(admin, target, { active: false, role: 'reader' })
    await change(admin, target, { active: true })
    const logged = (await rows.activities(target.id)).filter(({ action }) => action === 'update_user')
    expect(logged.map(({ details }) => details)).toEqual([
      { active: false, role: 'reader', formerRole: 'user' },
      { active: true },
    ])
  })
})

describe('who administers', () => {
  test('cannot change themselves', async () => {
    const { person, change, find } = newContract()
    const [one, owner] = [await person('admin'), await person('owner')]
    await person('admin')
    expect(await errorCodeOf(change(one, one, { active: false }))).toBe('identity.not_oneself')
    expect(await errorCodeOf(change(one, one, { role: 'user' }))).toBe('identity.not_oneself')
    expect(await errorCodeOf(change(owner, owner, { role: 'user' }))).toBe('identity.not_oneself')
    expect(await find(one)).toMatchObject({ active: true, role: 'admin' })
  })

  test('needs the permission that the database knows of, whatever a token says', async () => {
    const { person, change, context, find } = newContract()
    const [user, reader, target] = [await person(), await person('reader'), await person()]
    const former = await person('helper')
    await service.database.run(sql`UPDATE memberships SET role = NULL WHERE account_id = ${former.id}`)
    const inactive = await person('helper')
    await service.database.run(sql`UPDATE memberships SET state = 'inactive' WHERE account_id = ${inactive.id}`)
    const removed = await person('helper')
    await service.database.run(sql`UPDATE memberships SET state = 'removed' WHERE account_id = ${removed.id}`)
    for (const one of [user, reader, former, inactive, removed])
      expect(await errorCodeOf(change(one, target, { active: false }))).toBe('identity.not_allowed')
    expect((await find(target)).active).toBe(true)
    const acting = ({ id }: AccountView) => ({ sid: '', uid: id, ver: 1, tid: '', jti: '', iat: 0, exp: 0 })
    const page = { limit: 10, offset: 0 }
    for (const one of [user, former, inactive, removed]) {
      expect(await errorCodeOf(service.identity.accounts.list(page, acting(one), context))).toBe('identity.not_allowed')
      const activities = service.identity.accounts.activitiesOf(target.number, page, acting(one), context)
      expect(await errorCodeOf(activities)).toBe('identity.not_allowed')
    }
    expect((await service.identity.accounts.list(page, acting(reader), context)).total).toBe(5)
    const read = service.identity.accounts.activitiesOf(target.number, page, acting(reader), context)
    expect(await errorCodeOf(read)).toBeUndefined()
  })

  test("stays in their tenant: another tenant's account is refused like one that does not exist", async () => {
    const { person, change, context, find } = newContract()
    const [admin, abroad] = [await person('admin'), await person(undefined, 'Elsewhere')]
    const missing = { ...abroad, number: 999_999 }
    for (const target of [abroad, missing]) {
      await expect(change(admin, target, { active: false })).rejects.toMatchObject({
        code: 'identity.not_allowed',
        details: {},
      })
    }
    const acting = { sid: '', uid: admin.id, ver: 1, tid: '', jti: '', iat: 0, exp: 0 }
    for (const { number } of [abroad, missing]) {
      const read = service.identity.accounts.activitiesOf(number, { limit: 10, offset: 0 }, acting, context)
      expect(await errorCodeOf(read)).toBe('identity.not_allowed')
    }
    expect((await find(abroad)).active).toBe(true)
    const owner = await person('owner')
    expect(await change(owner, abroad, { active: false })).toMatchObject({ active: false })
    expect(await errorCodeOf(change(owner, missing, { active: false }))).toBe('identity.account_not_found')
  })

  test('touches nobody who reaches into other tenants, unless they do so themselves', async () => {
    const { person, change } = newContract()
    const [admin, owner, second] = [await person('admin'), await person('owner'), await person('owner')]
    expect(await errorCodeOf(change(admin, owner, { active: false }))).toBe('identity.not_allowed')
    expect(await errorCodeOf(change(admin, owner, { role: 'user' }))).toBe('identity.not_allowed')
    expect(await change(second, owner, { role: 'user' })).toMatchObject({ role: 'user' })
  })

  test('is judged by what the account is once it is locked', async () => {
    const { realm, person, change, find } = newContract()
    const [admin, target] = [await person('admin'), await person()]
    const late = rows.overtaking(
      target.id,
      () => change(admin, target, { active: false }),
      (tx) =>
        tx.run(sql`UPDATE memberships SET role = 'owner' WHERE account_id = ${target.id} AND realm = ${realm.name}`),
    )
    expect(await errorCodeOf(late)).toBe('identity.not_allowed')
    expect((await find(target)).active).toBe(true)
  })
})

describe('the last administrator', () => {
  test('is neither demoted nor deactivated nor deleted', async () => {
    const { realm, context, person, change, find } = newContract()
    const [admin, owner] = [await person('admin'), await person('owner')]
    expect(await errorCodeOf(change(owner, admin, { role: 'user' }))).toBe('identity.last_administrator')
    expect(await errorCodeOf(change(owner, admin, { active: false }))).toBe('identity.last_administrator')
    expect(await errorCodeOf(service.identity.removeMember(admin.id, context))).toBe('identity.last_administrator')
    const byOperator = service.identity.admin.grantRole(admin.username, 'user', realm, realm.name)
    expect(await errorCodeOf(byOperator)).toBe('identity.last_administrator')
    expect(await find(admin)).toMatchObject({ role: 'admin', active: true })
    await person('admin')
    expect(await change(owner, admin, { role: 'user' })).toMatchObject({ role: 'user' })
  })

  test('is not one who is deactivated: another one has to be there to sign in', async () => {
    const { person, change } = newContract()
    const [one, two, owner] = [await person('admin'), await person('admin'), await person('owner')]
    await change(owner, two, { active: false })
    expect(await errorCodeOf(change(owner, one, { active: false }))).toBe('identity.last_administrator')
    expect(await errorCodeOf(change(owner, two, { role: 'user' }))).toBeUndefined()
  })

  test.each<[string, AccountChange, object]>([
    ['deactivate', { active: false }, { active: false, role: 'user' }],
    ['deactivate, and give a role', { active: false, role: 'admin' }, { active: false, role: 'admin' }],
    ['give a role to', { role: 'helper' }, { active: true, role: 'helper' }],
  ])('of another realm is somebody whom an administrator may %s, in their own', async (_what, given, after) => {
    const [here, elsewhere] = [newContract(), newContract()]
    const [owner, target] = [await here.person('owner'), await elsewhere.person('admin')]
    expect(await errorCodeOf(here.change(owner, target, given))).toBe('identity.account_not_found')
    const [session] = [await elsewhere.signIn(target), await here.signIn(target)]
    expect(await here.change(owner, target, given)).toMatchObject(after)
    expect(await here.find(target)).toMatchObject(after)
    expect(await elsewhere.find(target)).toMatchObject({ role: 'admin', active: true })
    expect(await service.identity.isTokenActive(claimsOf(session))).toBe(true)
    expect(await service.identity.refresh(session.refreshToken, elsewhere.context)).toBeDefined()
    const revoked = await service.database.many(
      sql<{ realm: string }>`SELECT DISTINCT realm FROM revocations WHERE account_id = ${target.id}`,
    )
    expect(revoked).toEqual([{ realm: here.realm.name }])
  })

  test.each<[string, AccountChange, AccountChange]>([
    ['demote', { role: 'user' }, { role: 'user' }],
    ['deactivate', { active: false }, { active: false }],
    ['demote and deactivate', { role: 'user' }, { active: false }],
  ])('remains when two %s each other at once', async (_what, first, second) => {
    const { realm, person, change, administrators } = newContract()
    const [one, two] = [await person('admin'), await person('admin')]
    const lock = sql`SELECT account_id FROM memberships WHERE realm = ${realm.name} ORDER BY account_id FOR UPDATE`
    const both = await rows.allAtOnce(lock, [() => change(one, two, first), () => change(two, one, second)])
    expect(await tallyOf(both)).toEqual({ success: 1, 'identity.last_administrator': 1 })
    expect(await administrators()).toBe(1)
  })

  test('remains when all are deleted at once', async () => {
    const { context, person, administrators } = newContract()
    const all = await Promise.all(Array.from({ length: 5 }, () => person('admin')))
    const tally = await tallyOf(all.map(({ id }) => service.identity.removeMember(id, context)))
    expect(tally).toEqual({ success: 4, 'identity.last_administrator': 1 })
    expect(await administrators()).toBe(1)
  })
})
