import { expect, onTestFinished, test } from 'vitest'
import { preparedDataDir } from '../support/prepared-data.ts'
import { type GuichetProcess, startProcess, testEnvironment } from '../support/processes.ts'
import { call, signIn } from './calls.ts'
import { removeDataDir } from './postmaster.ts'

const token = 'the token of our own processes, for a test'
const metricsToken = 'the token of who reads metrics, for a test'

async function started(words: readonly string[], more: Readonly<Record<string, string>>): Promise<GuichetProcess> {
  const environment = { ...testEnvironment, INTERNAL_SERVICE_TOKEN: token, PORT: '0', ...more }
  const server = await startProcess(['start', ...words], environment)
  onTestFinished(server.kill)
  return server
}
const inside = async (url: string) => {
  const headers = { 'x-internal-token': token }
  return (await fetch(`${url}/internal/contracts/shop/products`, { headers })).status
}
async function dataFolder(): Promise<string> {
  const dataDir = await preparedDataDir('guichet-internal')
  onTestFinished(() => removeDataDir(dataDir))
  return dataDir
}

test('what our processes say is on a unit’s port, or on the internal one alone, and never on a gateway’s', async () => {
  const data = { GUICHET_DATA_DIR: await dataFolder() }
  const identity = await started(['identity'], { ...data, GUICHET_INTERNAL_PORT: '0' })
  const identityUrl = identity.urls.internal!
  const orders = await started(['orders'], { ...data, GUICHET_IDENTITY_URL: identityUrl })
  const profiles = await started(['profiles'], { ...data, GUICHET_IDENTITY_URL: identityUrl })
  const gateway = await started(['gateway'], {
    GUICHET_IDENTITY_URL: identityUrl,
    GUICHET_PROFILES_URL: profiles.urls.profiles!,
    GUICHET_ORDERS_URL: orders.urls.orders!,
    GUICHET_DATA_DIR: data.GUICHET_DATA_DIR,
  })
  expect(await inside(orders.urls.orders!)).toBe(200)
  expect(await inside(gateway.urls.gateway!)).toBe(404)
  const asked = async (url: string) => {
    const headers = { 'x-internal-token': token, 'content-type': 'application/json' }
    return (await fetch(`${url}/internal/identity/revocations`, { method: 'POST', headers, body: '{}' })).status
  }
  expect(await asked(identity.urls.identity!)).toBe(404)
  expect(await asked(identityUrl)).not.toBe(404)
  // And all of them work together over it.
  const access = await signIn(gateway.urls.gateway!)
  expect((await call(gateway.urls.gateway!, 'GET', '/users/profile', { token: access })).status).toBe(200)
}, 60_000)

test('outside development /metrics opens to its own token, and to no other of ours', async () => {
  const production = {
    GUICHET_DEV: '',
    GUICHET_LIMITS_SCALE: '',
    GUICHET_ARGON2_MEMORY_KIB: '',
    GUICHET_ARGON2_PASSES: '',
    GUICHET_SECRET: 'the master secret of this test, long enough',
    GUICHET_APP_URL: 'https://www.example.org',
    GUICHET_DATA_DIR: await dataFolder(),
  }
  const asked = async (url: string, bearer: string) => {
    const headers = { authorization: `Bearer ${bearer}`, 'x-forwarded-for': '203.0.113.7' }
    return (await fetch(`${url}/metrics`, { headers })).status
  }
  const without = await started(['identity'], production)
  expect(await asked(without.urls.identity!, token)).toBe(404)
  await without.stop()
  const server = await started(['identity'], { ...production, GUICHET_METRICS_TOKEN: metricsToken })
  expect(await asked(server.urls.identity!, token)).toBe(404)
  expect(await asked(server.urls.identity!, metricsToken)).toBe(200)
}, 60_000)
