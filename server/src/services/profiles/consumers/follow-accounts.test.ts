import { describe, expect, test } from 'vitest'
import { errorCodeOf } from '../../../../tests/support/identity-rows.ts'
import { contextIn, profilesService } from '../../../../tests/support/profiles-service.ts'
import { handleOnce } from '../../../platform/events/inbox.ts'
import { newId } from '../../../platform/ids.ts'
import { followAccounts } from '../index.ts'

const service = profilesService('follow accounts')
const context = contextIn()
const facts = async (id: string) => (await service.events(id)).map(({ type, sequence }) => `${sequence} ${type}`)
const grant = (id: string, contract: string, role: string) => {
  const account = service.accounts.known.get(id)!
  const roles = [...account.roles.filter((one) => one.contract !== contract), { contract, role }]
  service.accounts.known.set(id, { ...account, roles })
}
const rename = (id: string, displayName: string | null) =>
  service.accounts.known.set(id, { ...service.accounts.known.get(id)!, displayName })

describe('a role that identity gave', () => {
  test('is shown and announced by its contract', async () => {
    const { id, number } = await service.person()
    grant(id, 'test', 'admin')
    grant(id, 'other', 'manager')
    await service.tell('account.role_changed', id, { contract: 'test', role: 'admin' })
    expect((await service.profiles.read(number, context)).role).toBe('admin')
    expect((await service.profiles.read(number, contextIn('other'))).role).toBe('user')
    expect(await service.events(id)).toEqual([
      { type: 'test.role_changed', sequence: 1, data: { accountId: id, number, email: null, role: 'admin' } },
    ])
    await service.tell('account.role_changed', id, { contract: 'other', role: 'manager' })
    expect((await service.profiles.read(number, contextIn('other'))).role).toBe('manager')
    expect(await facts(id)).toEqual(['1 test.role_changed', '2 other.role_changed'])
  })

  test('that a request has replaced since stays replaced', async () => {
    const { id, number } = await service.person()
    await service.profiles.changeRole(id, 'manager', { accountId: 'administrator' }, context)
    await service.profiles.changeRole(id, 'admin', { accountId: 'administrator' }, context)
    await service.tell('account.role_changed', id, { contract: 'test', role: 'manager' })
    expect((await service.profiles.read(number, context)).role).toBe('admin')
    expect(await facts(id)).toEqual(['1 test.role_changed', '2 test.role_changed'])
  })

  test('waits while identity is away', async () => {
    const { id } = await service.person()
    service.accounts.break('find', 'edge.identity_unavailable')
    const told = service.tell('account.role_changed', id, { contract: 'test', role: 'admin' })
    expect(await errorCodeOf(told)).toBe('edge.unavailable')
    service.accounts.mend()
  })
})

describe('a new name', () => {
  test('is shown', async () => {
    const { id, number } = await service.person({ displayName: 'Old' })
    expect((await service.profiles.read(number, context)).displayName).toBe('Old')
    rename(id, 'New')
    await service.tell('account.renamed', id, { displayName: 'New' })
    expect((await service.profiles.read(number, context)).displayName).toBe('New')
    expect(await facts(id)).toEqual([])
  })

  test('that a request has replaced since stays replaced', async () => {
    const { id, number } = await service.person()
    await service.profiles.change(id, { displayName: 'First' }, context)
    await service.profiles.change(id, { displayName: 'Second' }, context)
    await service.tell('account.renamed', id, { displayName: 'First' })
    expect((await service.profiles.read(number, context)).displayName).toBe('Second')
  })

  test('of somebody without a profile changes nothing', async () => {
    const { id } = service.accounts.register({ displayName: 'Someone' })
    await service.tell('account.renamed', id, { displayName: 'Someone' })
    await service.tell('account.role_changed', id, { contract: 'test', role: 'admin' })
    expect(await service.logged(id)).toEqual([])
  })
})

describe('a replay of dead letters', () => {
  const replay = (type: keyof typeof followAccounts, subject: string, data: object) => {
    const handler = followAccounts[type]!
    const event = {
      id: newId(),
      source: 'identity',
      type,
      subject,
      sequence: 1_000,
      time: '2026-01-02T03:04:05.678Z',
      data,
    }
    return handleOnce(service.database, 'replay', event, handler)
  }

  test('takes events at their word and announces nothing', async () => {
    const { id, number } = service.accounts.register()
    await replay('account.registered', id, {
      number,
      tenant: 'main',
      username: 'replayed',
      email: null,
      contract: 'test',
      role: 'agent',
    })
    await service.database.transaction((tx) =>
      followAccounts['account.renamed']!(tx, {
        id: newId(),
        source: '',
        type: '',
        subject: id,
        sequence: 1,
        time: '2026-01-02T03:04:05.678Z',
        data: { displayName: 'N' },
      }),
    )
    const createdAt = new Date('2026-01-02T03:04:05.678Z')
    expect(await service.own(id)).toMatchObject({ username: 'replayed', displayName: 'N', createdAt })
    expect((await service.profiles.read({ accountId: id }, context)).role).toBe('agent')
    expect(await facts(id)).toEqual([])
  })
})
