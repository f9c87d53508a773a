import { expect, test } from 'vitest'
import { identityRows, refusalOf } from '../../../tests/support/identity-rows.ts'
import { clientOf, identityService, termsWith } from '../../../tests/support/identity-service.ts'
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
