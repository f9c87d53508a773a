import { describe, expect, test } from 'vitest'
import { errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { newId } from '../../platform/ids.ts'
import type { Realm } from '../realm/index.ts'

const service = identityService('for_services')
const rows = identityRows(service)
const password = 'correct horse'

const realm: Realm = {
  ...realmWith('inviting', { identifier: 'email' }),
  links: { resetPassword: ({ token }) => `/reset?token=${token}` },
}
const withoutLinks = realmWith('silent', {})

const internalApi = () => service.identity.internalApi

test('an account is made with its name and role, and summed up with its roles in every contract', async () => {
  const input = { email: 'ada@example.org', password, displayName: 'Ada L.', role: 'admin' }
  const made = await internalApi().create(input, realm, undefined)
  expect(made).toEqual({
    id: expect.any(String),
    number: expect.any(Number),
    tenant: 'main',
    username: 'ada@example.org',
    email: 'ada@example.org',
    displayName: 'Ada L.',
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    roles: [{ contract: 'inviting', role: 'admin' }],
  })
  expect(await internalApi().find(made.id)).toEqual(made)
  expect(await rows.mails(made.id)).toEqual([])
  expect(await internalApi().find(newId())).toBeUndefined()
})

test('an account without a password is mailed a link to set one, where the contract has such links', async () => {
  const invited = await internalApi().create({ email: 'invited@example.org' }, realm, undefined)
  expect(await rows.mails(invited.id)).toEqual(['reset_password'])
  const silent = await internalApi().create(
    { username: 'silent', email: 'silent@example.org' },
    withoutLinks,
    undefined,
  )
  expect(await rows.mails(silent.id)).toEqual([])
})

test('a new name is told to the others once, and the same name not again', async () => {
  const { id } = await made()
  await internalApi().rename(id, 'New Name')
  await internalApi().rename(id, 'New Name')
  const events = (await rows.events(id)).filter(({ type }) => type === 'account.renamed')
  expect(events).toEqual([{ type: 'account.renamed', sequence: 2, data: { displayName: 'New Name' } }])
  expect(await internalApi().find(id)).toMatchObject({ displayName: 'New Name' })
  expect(await errorCodeOf(internalApi().rename(newId(), 'Nobody'))).toBe('identity.account_not_found')
})

let people = 0
const made = (role?: string) => {
  people += 1
  const input = { email: `person${people}@people.example.org`, password, ...(role && { role }) }
  return internalApi().create(input, realm, undefined)
}

test('a role is given by an administrator of the contract, and by nobody else', async () => {
  const [admin, person, other] = [await made('admin'), await made(), await made()]
  const change = (by: string, target = person.id, role = 'admin') => internalApi().changeRole(target, role, by, realm)
  expect(await errorCodeOf(change(other.id))).toBe('identity.not_allowed')
  expect(await errorCodeOf(change(admin.id, admin.id, 'user'))).toBe('identity.not_oneself')
  expect(await errorCodeOf(change(admin.id, person.id, 'emperor'))).toBe('identity.unknown_role')
  expect(await errorCodeOf(change(admin.id, newId()))).toBe('identity.account_not_found')
  await change(admin.id)
  expect(await internalApi().find(person.id)).toMatchObject({ roles: [{ contract: 'inviting', role: 'admin' }] })
})

test('a taken address is told only to those who may know, and nothing is mailed to it then', async () => {
  const [person, other] = [await made(), await made()]
  const propose = (email: string, options = {}) =>
    service.identity.proposeEmail(person.id, email, contextOf(realm), options)
  const address = other.email ?? ''
  expect(await errorCodeOf(propose(address, { tellTaken: true }))).toBe('identity.username_taken')
  expect(await rows.mails(person.id)).toEqual([])
  await propose(person.email ?? '', { tellTaken: true })
  await propose('free@example.org', { tellTaken: true })
  expect(await rows.mails(person.id)).toEqual(['verify_email', 'verify_email'])
})

test('of several accounts those are told that are active', async () => {
  const [one, other] = [await made(), await made()]
  const ids = [one.id, other.id, crypto.randomUUID()]
  expect((await internalApi().active(ids)).sort()).toEqual([one.id, other.id].sort())
  await service.identity.admin.setActive(other.username, false, realm)
  expect(await internalApi().active(ids)).toEqual([one.id])
})

describe('an administrator reaches no further than their contract', () => {
  const elsewhere = realmWith('elsewhere', {
    roles: { ...testRealm.policy.roles, permissions: { ...testRealm.policy.roles.permissions, keeper: [] } },
  })
  const propose = (accountId: string, administratorId: string, email: string) =>
    service.identity.proposeEmail(accountId, email, contextOf(realm), { administratorId })
  const remove = (accountId: string, administratorId: string) =>
    service.identity.deleteAccount(accountId, { administratorId, contract: realm.name })

  test('people of the contract alone are helped to a new address, and deleted', async () => {
    const [admin, person] = [await made('admin'), await made()]
    await propose(person.id, admin.id, 'helped@example.org')
    expect(await rows.mails(person.id)).toEqual(['verify_email'])
    await remove(person.id, admin.id)
    expect(await internalApi().find(person.id)).toBeUndefined()
  })

  test('nothing is mailed for somebody who came by another contract, or has a role there', async () => {
    const admin = await made('admin')
    const arrived = await internalApi().create({ username: 'arrived', password }, elsewhere, undefined)
    await propose(arrived.id, admin.id, 'arrived@example.org')
    expect(await rows.mails(arrived.id)).toEqual([])

    const granted = await made()
    await service.identity.admin.grantRole(granted.username, 'keeper', elsewhere)
    await propose(granted.id, admin.id, 'granted@example.org')
    expect(await rows.mails(granted.id)).toEqual([])
  })

  test('whoever administers both may do both', async () => {
    const admin = await made('admin')
    await service.identity.admin.grantRole(admin.username, 'admin', elsewhere)
    const granted = await made()
    await service.identity.admin.grantRole(granted.username, 'keeper', elsewhere)
    await propose(granted.id, admin.id, 'both@example.org')
    expect(await rows.mails(granted.id)).toEqual(['verify_email'])
    await remove(granted.id, admin.id)
    expect(await internalApi().find(granted.id)).toBeUndefined()
  })

  test('somebody with a role elsewhere is not deleted, those without are', async () => {
    const admin = await made('admin')
    const granted = await made()
    await service.identity.admin.grantRole(granted.username, 'keeper', elsewhere)
    expect(await errorCodeOf(remove(granted.id, admin.id))).toBe('identity.not_allowed')
    const arrived = await internalApi().create({ username: 'arrived2', password }, elsewhere, undefined)
    await remove(arrived.id, admin.id)
    expect(await internalApi().find(arrived.id)).toBeUndefined()
  })
})
