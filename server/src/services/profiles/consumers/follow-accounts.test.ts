import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../../tests/support/identity-rows.ts'
import { contextIn, memberOf, profilesService } from '../../../../tests/support/profiles-service.ts'
import { sql } from '../../../platform/db/database.ts'
import { handleOnce } from '../../../platform/events/inbox.ts'
import { newId } from '../../../platform/ids.ts'
import { followAccounts } from '../index.ts'

const service = profilesService('follow accounts')
const context = contextIn()
const facts = async (id: string) => (await service.events(id)).map(({ type, sequence }) => `${sequence} ${type}`)
const grant = (id: string, realm: string, role: string | null) => service.accounts.join(id, memberOf(realm, role))
const both = () => [memberOf('test'), memberOf('other')]

describe('a role that identity gave', () => {
  test('is shown and announced in its realm', async () => {
    const { id, number } = await service.person({ memberships: both() })
    grant(id, 'test', 'admin')
    grant(id, 'other', 'manager')
    await service.tell('membership.role_changed', id, { realm: 'test', role: 'admin' })
    expect((await service.profiles.read(number, context)).role).toBe('admin')
    expect((await service.profiles.read(number, contextIn('other'))).role).toBe('user')
    expect(await service.events(id)).toEqual([
      { type: 'test.role_changed', sequence: 1, data: { accountId: id, number, email: null, role: 'admin' } },
    ])
    await service.tell('membership.role_changed', id, { realm: 'other', role: 'manager' })
    expect((await service.profiles.read(number, contextIn('other'))).role).toBe('manager')
    expect(await facts(id)).toEqual(['1 test.role_changed', '2 other.role_changed'])
  })

  test('that a request has replaced since stays replaced', async () => {
    const { id, number } = await service.person({ memberships: both() })
    await service.profiles.changeRole(id, 'manager', { accountId: 'administrator' }, context)
    await service.profiles.changeRole(id, 'admin', { accountId: 'administrator' }, context)
    await service.tell('membership.role_changed', id, { realm: 'test', role: 'manager' })
    expect((await service.profiles.read(number, context)).role).toBe('admin')
    expect(await facts(id)).toEqual(['1 test.role_changed', '2 test.role_changed'])
  })

  test('that ended with its membership since changes nothing', async () => {
    const { id } = await service.person({ memberships: both() })
    service.accounts.leave(id, 'test')
    await service.tell('membership.role_changed', id, { realm: 'test', role: 'admin' })
    expect(await service.own(id)).toMatchObject({ role: 'user' })
    expect(await facts(id)).toEqual([])
  })

  test('waits while identity is away', async () => {
    const { id } = await service.person()
    service.accounts.break('find', 'edge.identity_unavailable')
    const told = service.tell('membership.role_changed', id, { realm: 'test', role: 'admin' })
    expect(await errorCodeOf(told)).toBe('edge.unavailable')
    service.accounts.mend()
  })

  test('of somebody without a profile changes nothing', async () => {
    const { id } = service.accounts.register({ displayName: 'Someone' })
    await service.tell('membership.role_changed', id, { realm: 'test', role: 'admin' })
    expect(await service.logged(id)).toEqual([])
    expect(await facts(id)).toEqual([])
  })
})

test('a new name of the account is not followed: what a profile shows is its realm’s own', () => {
  expect(Object.keys(followAccounts)).toEqual([
    'membership.started',
    'membership.role_changed',
    'membership.ended',
    'account.deleted',
  ])
})

describe('a replay of dead letters', () => {
  let sequence = 1_000
  const replay = (type: keyof typeof followAccounts, subject: string, data: object) => {
    const handler = followAccounts[type]!
    sequence += 1
    const event = {
      id: newId(),
      source: 'identity',
      type,
      subject,
      sequence,
      time: '2026-01-02T03:04:05.678Z',
      data,
    }
    return handleOnce(service.database, 'replay', event, handler)
  }

  test('takes events at their word and announces nothing', async () => {
    const { id, number } = service.accounts.register()
    const about = { number, tenant: 'main', username: 'replayed', email: null, displayName: 'N' }
    const came = { realm: 'test', origin: 'registered', since: '2026-01-02T03:04:05.678Z' }
    await replay('membership.started', id, { ...about, ...came, role: 'agent' })
    const createdAt = new Date('2026-01-02T03:04:05.678Z')
    expect(await service.own(id)).toMatchObject({ username: 'replayed', displayName: 'N', role: 'agent', createdAt })
    await replay('membership.role_changed', id, { realm: 'test', role: 'admin' })
    const rows = () => service.database.many(sql`SELECT role FROM profiles WHERE account_id = ${id}`)
    expect(await rows()).toEqual([{ role: 'admin' }])
    await replay('membership.ended', id, { realm: 'test', since: came.since })
    expect(await rows()).toEqual([])
    expect(await facts(id)).toEqual([])
  })
})
