import { describe, expect, test } from 'vitest'
import { identityRows, refusalOf } from '../../../tests/support/identity-rows.ts'
import { clientOf, identityService, termsWith, testTerms } from '../../../tests/support/identity-service.ts'
import { newId } from '../../platform/ids.ts'
import type { Terms } from './policy.ts'

const service = identityService('for_services')
const rows = identityRows(service)
const password = 'correct horse'

const terms: Terms = {
  ...termsWith('inviting', { identifier: 'email' }),
  links: { resetPassword: ({ token }) => `/reset?token=${token}` },
}
const withoutLinks = termsWith('silent', {})

const forServices = () => service.identity.forServices

test('an account is made with its name and role, and summed up with its roles in every contract', async () => {
  const input = { email: 'ada@example.org', password, displayName: 'Ada L.', role: 'admin' }
  const made = await forServices().create(input, terms, undefined)
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
  expect(await forServices().find(made.id)).toEqual(made)
  expect(await rows.mails(made.id)).toEqual([])
  expect(await forServices().find(newId())).toBeUndefined()
})

test('an account without a password is mailed a link to set one, where the contract has such links', async () => {
  const invited = await forServices().create({ email: 'invited@example.org' }, terms, undefined)
  expect(await rows.mails(invited.id)).toEqual(['reset_password'])
  const silent = await forServices().create(
    { username: 'silent', email: 'silent@example.org' },
    withoutLinks,
    undefined,
  )
  expect(await rows.mails(silent.id)).toEqual([])
})

test('a new name is told to the others once, and the same name not again', async () => {
  const { id } = await made()
  await forServices().rename(id, 'New Name')
  await forServices().rename(id, 'New Name')
  const events = (await rows.events(id)).filter(({ type }) => type === 'account.renamed')
  expect(events).toEqual([{ type: 'account.renamed', sequence: 2, data: { displayName: 'New Name' } }])
  expect(await forServices().find(id)).toMatchObject({ displayName: 'New Name' })
  expect(await refusalOf(forServices().rename(newId(), 'Nobody'))).toBe('identity.account_not_found')
})

let people = 0
const made = (role?: string) => {
  people += 1
  const input = { email: `person${people}@people.example.org`, password, ...(role && { role }) }
  return forServices().create(input, terms, undefined)
}

test('a role is given by an administrator of the contract, and by nobody else', async () => {
  const [admin, person, other] = [await made('admin'), await made(), await made()]
  const change = (by: string, target = person.id, role = 'admin') => forServices().changeRole(target, role, by, terms)
  expect(await refusalOf(change(other.id))).toBe('identity.not_allowed')
  expect(await refusalOf(change(admin.id, admin.id, 'user'))).toBe('identity.not_oneself')
  expect(await refusalOf(change(admin.id, person.id, 'emperor'))).toBe('identity.unknown_role')
  expect(await refusalOf(change(admin.id, newId()))).toBe('identity.account_not_found')
  await change(admin.id)
  expect(await forServices().find(person.id)).toMatchObject({ roles: [{ contract: 'inviting', role: 'admin' }] })
})

test('a taken address is told only to those who may know, and nothing is mailed to it then', async () => {
  const [person, other] = [await made(), await made()]
  const propose = (email: string, options = {}) =>
    service.identity.proposeEmail(person.id, email, clientOf(terms), options)
  const address = other.email ?? ''
  expect(await refusalOf(propose(address, { tellTaken: true }))).toBe('identity.username_taken')
  expect(await rows.mails(person.id)).toEqual([])
  await propose(person.email ?? '', { tellTaken: true })
  await propose('free@example.org', { tellTaken: true })
  expect(await rows.mails(person.id)).toEqual(['verify_email', 'verify_email'])
})

describe('an administrator reaches no further than their contract', () => {
  const elsewhere = termsWith('elsewhere', {
    roles: { ...testTerms.policy.roles, permissions: { ...testTerms.policy.roles.permissions, keeper: [] } },
  })
  const propose = (accountId: string, administratorId: string, email: string) =>
    service.identity.proposeEmail(accountId, email, clientOf(terms), { administratorId })
  const remove = (accountId: string, administratorId: string) =>
    service.identity.deleteAccount(accountId, { administratorId, contract: terms.name })

  test('people of the contract alone are helped to a new address, and deleted', async () => {
    const [admin, person] = [await made('admin'), await made()]
    await propose(person.id, admin.id, 'helped@example.org')
    expect(await rows.mails(person.id)).toEqual(['verify_email'])
    await remove(person.id, admin.id)
    expect(await forServices().find(person.id)).toBeUndefined()
  })

  test('nothing is mailed for somebody who came by another contract, or has a role there', async () => {
    const admin = await made('admin')
    const arrived = await forServices().create({ username: 'arrived', password }, elsewhere, undefined)
    await propose(arrived.id, admin.id, 'arrived@example.org')
    expect(await rows.mails(arrived.id)).toEqual([])

    const granted = await made()
    await service.identity.operate.grantRole(granted.username, 'keeper', elsewhere)
    await propose(granted.id, admin.id, 'granted@example.org')
    expect(await rows.mails(granted.id)).toEqual([])
  })

  test('whoever administers both may do both', async () => {
    const admin = await made('admin')
    await service.identity.operate.grantRole(admin.username, 'admin', elsewhere)
    const granted = await made()
    await service.identity.operate.grantRole(granted.username, 'keeper', elsewhere)
    await propose(granted.id, admin.id, 'both@example.org')
    expect(await rows.mails(granted.id)).toEqual(['verify_email'])
    await remove(granted.id, admin.id)
    expect(await forServices().find(granted.id)).toBeUndefined()
  })

  test('somebody with a role elsewhere is not deleted, those without are', async () => {
    const admin = await made('admin')
    const granted = await made()
    await service.identity.operate.grantRole(granted.username, 'keeper', elsewhere)
    expect(await refusalOf(remove(granted.id, admin.id))).toBe('identity.not_allowed')
    const arrived = await forServices().create({ username: 'arrived2', password }, elsewhere, undefined)
    await remove(arrived.id, admin.id)
    expect(await forServices().find(arrived.id)).toBeUndefined()
  })
})
