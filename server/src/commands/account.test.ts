import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { AccountOptions } from './account.ts'
import { account } from './account.ts'

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

const options: AccountOptions = {
  contract: 'tenants',
  tenant: 'Acme',
  email: undefined,
  role: undefined,
  passwordStdin: false,
  verified: false,
  end: false,
}
const about = ['tenants', 'Acme']

test.each<[string, string[], Partial<AccountOptions>, unknown[]]>([
  ['grant', ['ada', 'vendor'], {}, ['grantRole', 'ada', 'vendor', ...about]],
  ['unlock', ['ada'], {}, ['unlock', 'ada', ...about]],
  ['mfa-off', ['ada'], {}, ['turnSecondFactorOff', 'ada', ...about]],
  ['activate', ['ada'], {}, ['setActive', 'ada', true, ...about]],
  ['deactivate', ['ada'], {}, ['setActive', 'ada', false, ...about]],
  ['sessions', ['ada'], {}, ['listSessions', 'ada', ...about]],
  ['sessions', ['ada'], { end: true }, ['endSessions', 'ada', ...about]],
  [
    'create',
    ['ada'],
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
])('account %s %j %j is for that account of that tenant and contract', async (action, words, more, expected) => {
  await account([action, ...words], { ...options, ...more }, () => undefined)
  expect(asked).toEqual([expected])
})

test('account mfa-off says where everybody is asked for a code all the same', async () => {
  const said = async (contract: AccountOptions['contract']) => {
    const lines: string[] = []
    await account(['mfa-off', 'ada'], { ...options, contract, tenant: undefined }, (line) => void lines.push(line))
    return lines
  }
  const off = 'The second factor of ada was off already.'
  expect(await said('tenants')).toEqual([off])
  expect(await said('clients')).toEqual([off, 'In clients everybody is asked for a code all the same.'])
})
