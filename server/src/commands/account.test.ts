import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type AccountAction, type AccountOptions, account } from './account.ts'

/** What identity was asked, with the arguments that say for whom. */
const asked: unknown[][] = []

vi.mock('../compose/compose.ts', () => ({
  withServices: (_config: unknown, _log: unknown, _names: unknown, work: (services: object) => unknown) => {
    const admin = new Proxy(
      {},
      {
        get:
          (_, name) =>
          async (...given: unknown[]) => {
            // The tenant is there.
            if (name === 'tenantSettings') return {}
            asked.push([name, ...given.map((one) => (one as { name?: string } | undefined)?.name ?? one)])
            return name === 'listSessions' ? [] : 0
          },
      },
    )
    const createAccount = async (input: object, { realm }: { realm: { name: string } }) => {
      asked.push(['createAccount', input, realm.name])
      return { account: { username: 'ada', number: 1, role: 'user' } }
    }
    return Promise.resolve(work({ identity: { admin, createAccount } }))
  },
}))
beforeEach(() => void vi.stubEnv('GUICHET_DEV', 'true'))
afterEach(() => {
  vi.unstubAllEnvs()
  asked.length = 0
})

const options: AccountOptions = { contract: 'tenants', tenant: 'Acme' }
const about = ['tenants', 'Acme']

test.each<[AccountAction, Partial<AccountOptions>, unknown[]]>([
  ['grant', { role: 'vendor' }, ['grantRole', 'ada', 'vendor', ...about]],
  ['unlock', {}, ['unlock', 'ada', ...about]],
  ['mfa-off', {}, ['turnSecondFactorOff', 'ada', ...about]],
  ['activate', {}, ['setActive', 'ada', true, ...about]],
  ['deactivate', {}, ['setActive', 'ada', false, ...about]],
  ['sessions', {}, ['listSessions', 'ada', ...about]],
  ['sessions', { end: true }, ['endSessions', 'ada', ...about]],
  [
    'create',
    { email: 'ada@example.org', role: 'vendor', verified: true },
    [
      'createAccount',
      {
        username: 'ada',
        password: expect.stringMatching(/-aA1$/),
        email: 'ada@example.org',
        role: 'vendor',
        tenant: 'Acme',
        emailVerified: true,
      },
      'tenants',
    ],
  ],
])('account %s %j is for that account of that tenant and contract', async (action, more, expected) => {
  await account(action, 'ada', { ...options, ...more }, () => undefined)
  expect(asked).toEqual([expected])
})

test('--new is refused where no tenant is named, and where the contract has none', async () => {
  for (const given of [{ contract: 'tenants' }, { contract: 'shop', tenant: 'Acme' }])
    await expect(account('create', 'ada', { ...given, newTenant: true }, () => undefined)).rejects.toThrow(
      '--new is for the tenant that --tenant names',
    )
  expect(asked).toEqual([])
})

test('account mfa-off says where everybody is asked for a code all the same', async () => {
  const said = async (contract: AccountOptions['contract']) => {
    const lines: string[] = []
    await account('mfa-off', 'ada', { contract }, (line) => void lines.push(line))
    return lines
  }
  const off = 'The second factor of ada was off already.'
  expect(await said('tenants')).toEqual([off])
  expect(await said('clients')).toEqual([off, 'In clients everybody is asked for a code all the same.'])
})
