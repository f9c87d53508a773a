import { expect, onTestFinished, test } from 'vitest'
import { type Config, loadConfig } from '../config/config.ts'
import { planOf } from '../config/topologies.ts'
import { contractNames } from '../contracts/registry.ts'
import type { Database, Statement } from '../platform/db/database.ts'
import type { InternalClient } from '../platform/http/internal-client.ts'
import { createLifecycle } from '../platform/lifecycle.ts'
import { silentLogger } from '../platform/log.ts'
import { deriveFrom } from '../platform/secrets.ts'
import { type AppContext, openAppContext, openClient, openRelayOf, readinessOf, type Store } from './app-context.ts'

const [name] = contractNames as [string]
const secret = 's'.repeat(40)

/** The context of a process without services, and so without a database. */
async function contextOf(env: Readonly<Record<string, string>>): Promise<AppContext> {
  const log = silentLogger()
  const life = createLifecycle(log)
  onTestFinished(life.stop)
  const config = loadConfig({ GUICHET_DEV: 'true', GUICHET_SECRET: secret, ...env }, planOf(['gateway']))
  return openAppContext(config, { services: [], ownership: 'own', log }, life)
}

test('without a service token of their own, processes with one secret have the same, and it is no other key', async () => {
  const [one, other] = [await contextOf({}), await contextOf({})]
  expect(one.internalToken).toBe(other.internalToken)
  expect(one.internalToken).toBe(deriveFrom(secret)('internal-service-token').toString('base64url'))
  expect((await contextOf({ GUICHET_SECRET: `${secret}t` })).internalToken).not.toBe(one.internalToken)
  const given = 'i'.repeat(40)
  expect((await contextOf({ INTERNAL_SERVICE_TOKEN: given })).internalToken).toBe(given)
})

test('contracts are as this installation has them, and a process without services has no database', async () => {
  const { contracts, databases, redis } = await contextOf({ [`${name.toUpperCase()}_ACCESS_TTL`]: '77' })
  const changed = Object.values(contracts).filter(({ realm }) => realm.policy.accessTtl === 77)
  expect(changed.map((contract) => contract.name)).toEqual([name])
  expect([databases.description, redis]).toEqual(['none', undefined])
  expect(() => databases.url('identity')).toThrow('this process has no database')
})

test.each(['identity', 'profiles', 'orders'] as const)('a client of %s calls where that is', async (service) => {
  const env = Object.fromEntries(
    ['identity', 'profiles', 'orders'].map((one) => [`GUICHET_${one.toUpperCase()}_URL`, `http://${one}:1`]),
  )
  expect(openClient(await contextOf(env), service).url).toBe(`http://${service}:1`)
})

test.each([
  [50, 50],
  [1_999, 1_999],
  [2_001, 2_000],
  [120_000, 2_000],
])(
  'where requests may take %i ms, the question whether another process is ready may take %i',
  async (ms, deadlineMs) => {
    const asked: unknown[] = []
    const client = { call: async (...call: unknown[]) => void asked.push(call) } as unknown as InternalClient
    await readinessOf(client, { upstreamTimeoutMs: ms } as Config)()
    expect(asked).toEqual([['GET', '/readyz', { deadlineMs }]])
    const away = { call: () => Promise.reject(new Error('away')) } as unknown as InternalClient
    await expect(readinessOf(away, { upstreamTimeoutMs: ms } as Config)()).rejects.toThrow('away')
  },
)

test.each([
  [false, [], []],
  [false, ['profiles', 'orders'], ['profiles', 'orders']],
  [true, [], ['redis']],
  [true, ['profiles'], ['profiles', 'redis']],
])('with Redis: %s, and %j who follow, events are published once %j have them', async (there, followers, expected) => {
  const asked: unknown[] = []
  const database = {
    run: async ({ values }: Statement<unknown>) => {
      asked.push(values[0])
      return 0
    },
  } as Partial<Database> as Database
  const store = { database, notices: { on: () => () => undefined } } as unknown as Store
  const context = { redis: there ? {} : undefined, log: silentLogger() } as unknown as AppContext
  const relay = openRelayOf(context, 'identity', followers, store)
  await relay.close()
  expect([relay.service, asked[0]]).toEqual(['identity', expected])
})
