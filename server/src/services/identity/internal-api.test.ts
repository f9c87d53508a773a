import { describe, expect, test } from 'vitest'
import { errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import { operator, type Realm } from '../realm/index.ts'

const service = identityService('for_services')
const rows = identityRows(service)
const password = 'correct horse'

const realm = realmWith('inviting', { identifier: 'email' })
const byName = realmWith('by-name', {})
const byAddress = realmWith('by-address', { identifier: 'email' })

const internalApi = () => service.identity.internalApi

test('an account is made with its name and role, and summed up with its memberships', async () => {
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
    memberships: [
      { realm: 'inviting', role: 'admin', origin: 'added', since: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
    ],
  })
  expect(await internalApi().find(made.id)).toEqual(made)
  expect(await rows.mails(made.id)).toEqual([])
  expect(await internalApi().find(newId())).toBeUndefined()
})

describe('an account without a password', () => {
  const invitationOf = (accountId: string) =>
    service.database.many(sql<{ kind: string; type: string; hours: number }>`
      SELECT j.kind, v.token_type AS type, round(extract(epoch FROM v.expires_at - v.created_at) / 3600)::integer AS hours
        FROM mail_jobs j JOIN verification_tokens v ON v.id = j.challenge_id WHERE j.account_id = ${accountId}`)

  test('is mailed an invitation to choose one, good for seven days, which proves the address', async () => {
    const { id } = await internalApi().create({ email: 'invited@example.org' }, realm, undefined)
    expect(await rows.mails(id)).toEqual(['invited'])
    expect(await invitationOf(id)).toEqual([{ kind: 'invited', type: 'password_reset', hours: 7 * 24 }])
    const link = await service.database.one(sql<{ id: string }>`
      SELECT id FROM verification_tokens WHERE account_id = ${id}`)
    await service.identity.resetPassword(
      { token: service.identity.secrets.tokenOf(link.id), password },
      contextOf(realm),
    )
    const signedIn = await service.identity.login({ identifier: 'invited@example.org', password }, contextOf(realm))
    expect(signedIn).toMatchObject({ kind: 'session', session: { account: { id, emailVerified: true } } })
  })

  test.each<[string, { email?: string; password?: string }, string[]]>([
    ['is mailed one in every realm', { email: 'by-name@example.org' }, ['invited']],
    ['is mailed nothing without an address', {}, []],
    ['is what one with a password is not, which is mailed nothing', { email: 'has-one@example.org', password }, []],
  ])('%s', async (_what, input, mails) => {
    const { id } = await internalApi().create({ username: newId(), ...input }, byName, undefined)
    expect(await rows.mails(id)).toEqual(mails)
  })

  test('is mailed once for an idempotency key, however often and however soon it comes again', async () => {
    const key = { accountId: newId(), route: 'POST /users', key: 'once', requestHash: Buffer.alloc(32) }
    const create = () => internalApi().create({ email: 'once@example.org' }, realm, key)
    const [first, ...others] = await Promise.all([create(), create(), create()])
    for (const { id } of [...others, await create()]) expect(id).toBe(first?.id)
    expect(await rows.mails(first?.id ?? '')).toEqual(['invited'])
  })

  test('is not made when its invitation cannot be recorded', async () => {
    await service.database.run(sql`ALTER TABLE mail_jobs ADD CONSTRAINT unmailed CHECK (kind <> 'invited') NOT VALID`)
    const attempt = internalApi().create({ email: 'undone@example.org' }, realm, undefined)
    await expect(
      attempt.finally(() => service.database.run(sql`ALTER TABLE mail_jobs DROP CONSTRAINT unmailed`)),
    ).rejects.toMatchObject({ constraint: 'unmailed' })
    const found = service.identity.accounts.findByName('undone@example.org', contextOf(realm))
    expect(await errorCodeOf(found)).toBe('identity.account_not_found')
  })
})

test('a new name is told to the others once, and the same name not again', async () => {
  const { id } = await made()
  await internalApi().rename(id, 'New Name')
  await internalApi().rename(id, 'New Name')
  const events = (await rows.events(id)).filter(({ type }) => type === 'account.renamed')
  expect(events).toEqual([{ type: 'account.renamed', sequence: 3, data: { displayName: 'New Name' } }])
  expect(await internalApi().find(id)).toMatchObject({ displayName: 'New Name' })
  expect(await errorCodeOf(internalApi().rename(newId(), 'Nobody'))).toBe('identity.account_not_found')
})

let people = 0
const made = (role?: string) => madeIn(realm, role)
const madeIn = (where: Realm, role?: string) => {
  people += 1
  const input = { email: `person${people}@people.example.org`, password, ...(role && { role }) }
  return internalApi().create(input, where, undefined)
}

test('a role is given by an administrator of the contract, and by nobody else', async () => {
  const [admin, person, other] = [await made('admin'), await made(), await made()]
  const change = (by: string, target = person.id, role = 'admin') => internalApi().changeRole(target, role, by, realm)
  expect(await errorCodeOf(change(other.id))).toBe('identity.not_allowed')
  expect(await errorCodeOf(change(admin.id, admin.id, 'user'))).toBe('identity.not_oneself')
  expect(await errorCodeOf(change(admin.id, person.id, 'emperor'))).toBe('identity.unknown_role')
  expect(await errorCodeOf(change(admin.id, newId()))).toBe('identity.account_not_found')
  await change(admin.id)
  expect(await internalApi().find(person.id)).toMatchObject({
    memberships: [{ realm: 'inviting', role: 'admin' }],
  })
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
  expect(await rows.mails(person.id)).toEqual(['verify_email', 'confirm_address'])
})

test('of several accounts those are told that are active members of the realm', async () => {
  const [one, other, elsewhere] = [await made(), await made(), await madeIn(byAddress)]
  const ids = [one.id, other.id, elsewhere.id, newId()]
  expect((await internalApi().active(ids, realm)).sort()).toEqual([one.id, other.id].sort())
  await service.identity.admin.setActive(other.username, false, realm)
  expect(await internalApi().active(ids, realm)).toEqual([one.id])
  expect(await internalApi().active(ids, byAddress)).toEqual([elsewhere.id])
  await service.identity.removeMember(one.id, operator(realm))
  expect(await internalApi().active(ids, realm)).toEqual([])
  expect(await internalApi().active([], realm)).toEqual([])
})

describe('an administrator reaches no further than their realm', () => {
  const elsewhere = realmWith('elsewhere', {
    roles: { ...testRealm.policy.roles, permissions: { ...testRealm.policy.roles.permissions, keeper: [] } },
  })
  const propose = (accountId: string, email: string) =>
    service.identity.proposeEmail(accountId, email, contextOf(realm), { tellTaken: true })
  const remove = (accountId: string, administratorId: string) =>
    service.identity.removeMember(accountId, operator(realm), { accountId: administratorId })
  /** Makes somebody of the realm a member of the other one. */
  const joins = async (person: { username: string }) => {
    await service.identity.login({ identifier: person.username, password }, contextOf(elsewhere))
  }

  test('people of the realm alone are deleted', async () => {
    const [admin, person] = [await made('admin'), await made()]
    await remove(person.id, admin.id)
    expect(await internalApi().find(person.id)).toBeUndefined()
  })

  test('members are helped to a new address, here alone or elsewhere too: nothing changes before they confirm it', async () => {
    const [one, both] = [await made(), await made()]
    await joins(both)
    for (const person of [one, both]) {
      const proposed = `new-${person.username}`
      await propose(person.id, proposed)
      expect((await rows.mails(person.id)).at(-1)).toBe('confirm_address')
      expect(await internalApi().find(person.id)).toMatchObject({ email: person.email, username: person.username })
      const link = await service.database.one(sql<{ id: string }>`
        SELECT id FROM verification_tokens WHERE email = ${proposed}`)
      const token = service.identity.secrets.tokenOf(link.id)
      const confirm = (given: string) => service.identity.confirmAddress({ token, password: given }, contextOf(realm))
      expect(await errorCodeOf(confirm('what an administrator guesses'))).toBe('identity.wrong_password')
      expect(await internalApi().find(person.id)).toMatchObject({ email: person.email })
      await confirm(password)
      expect(await internalApi().find(person.id)).toMatchObject({ email: proposed, username: proposed })
    }
  })

  test('nothing is mailed for somebody of another realm alone', async () => {
    const foreign = await internalApi().create({ username: 'foreign', password }, elsewhere, undefined)
    await propose(foreign.id, 'foreign@example.org')
    expect(await rows.mails(foreign.id)).toEqual([])
  })

  test('somebody who is a member elsewhere is removed here, and stays there', async () => {
    const [admin, both] = [await made('admin'), await made()]
    await joins(both)
    await service.identity.admin.grantRole(both.username, 'keeper', elsewhere)
    await remove(both.id, admin.id)
    expect(await internalApi().find(both.id)).toMatchObject({ memberships: [{ realm: 'elsewhere', role: 'keeper' }] })
    const foreign = await internalApi().create({ username: 'foreign2', password }, elsewhere, undefined)
    await remove(foreign.id, admin.id)
    expect(await internalApi().find(foreign.id)).toMatchObject({ memberships: [{ realm: 'elsewhere', role: null }] })
  })

  test('nobody is removed by who may not manage accounts in the database, whatever a token says', async () => {
    const [person, other] = [await made(), await made()]
    const demoted = await made('admin')
    const admin = await made('admin')
    await internalApi().changeRole(demoted.id, 'user', admin.id, realm)
    const abroad = await internalApi().create({ username: 'abroad', password, role: 'admin' }, elsewhere, undefined)
    const gone = await made('admin')
    await remove(gone.id, admin.id)
    const inactive = await made('admin')
    await service.identity.admin.setActive(inactive.username, false, realm)
    for (const by of [other, demoted, abroad, gone, inactive])
      expect(await errorCodeOf(remove(person.id, by.id))).toBe('identity.not_allowed')
    expect(await internalApi().find(person.id)).toMatchObject({ memberships: [{ realm: 'inviting' }] })
    await remove(person.id, admin.id)
    expect(await internalApi().find(person.id)).toBeUndefined()
  })
})
