import { readdir, readlink } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type RunningArrangement, type ShopUnit, startArrangement } from '../support/arrangements.ts'
import { startProcess, testEnvironment } from '../support/processes.ts'
import {
  type Answer,
  call,
  demo,
  eventually,
  expectNothingOfTheInside,
  expectUnavailable,
  register,
  signIn,
} from './calls.ts'

const upstreamTimeoutMs = 700
/** Connections that the gateway keeps to one service at most (`openUpstream`). */
const poolSize = 128
/** What a busy machine may add to the deadline. */
const marginMs = 1_500

let shop: RunningArrangement
let gateway: string
let token: string

beforeAll(async () => {
  shop = await startArrangement('shop-in-four', { UPSTREAM_TIMEOUT_MS: String(upstreamTimeoutMs) })
  gateway = shop.urls.gateway
  token = await signIn(gateway)
})
afterAll(() => shop?.stop())

type Away = Exclude<ShopUnit, 'api-gateway'>

/** Requests that only this service can answer. */
const routesOf: Readonly<Record<Away, readonly (() => Promise<Answer>)[]>> = {
  'auth-service': [
    () => call(gateway, 'POST', '/auth/login', { body: demo }),
    () => call(gateway, 'POST', '/auth/refresh', { body: { refresh_token: 'x' } }),
    () => call(gateway, 'POST', '/auth/register', { body: { username: 'nobody-yet', password: 'long enough' } }),
  ],
  'user-service': [
    () => call(gateway, 'GET', '/users/profile', { token }),
    () => call(gateway, 'GET', '/users', { token }),
    () => call(gateway, 'PUT', '/users/1', { token, body: { phone: '1' } }),
  ],
  'orders-service': [
    () => call(gateway, 'GET', '/products'),
    () => call(gateway, 'GET', '/orders', { token }),
    () => call(gateway, 'POST', '/orders', { token, body: { items: [{ product_id: 1, quantity: 1000 }] } }),
  ],
}
/** One request of each service that succeeds while the service works. */
const proofOf: Readonly<Record<Away, () => Promise<Answer>>> = {
  'auth-service': () => call(gateway, 'POST', '/auth/login', { body: demo }),
  'user-service': () => call(gateway, 'GET', '/users/profile', { token }),
  'orders-service': () => call(gateway, 'GET', '/orders', { token }),
}
const shortNames: Readonly<Record<Away, string>> = {
  'auth-service': 'auth',
  'user-service': 'user',
  'orders-service': 'orders',
}
const services = Object.keys(routesOf) as Away[]

async function expectAway(unit: Away) {
  for (const ask of routesOf[unit]) {
    const answer = await ask()
    expectUnavailable(answer)
    expect(answer.ms).toBeLessThan(upstreamTimeoutMs + marginMs)
  }
  for (const other of services.filter((name) => name !== unit)) {
    const answer = await proofOf[other]()
    expect(answer.status, `${other} while ${unit} is away: ${answer.text}`).toBe(200)
  }
  const health = await call(gateway, 'GET', '/health')
  expect({ status: health.status, body: health.body }).toEqual({
    status: 503,
    body: {
      status: 'degraded',
      service: 'api-gateway',
      services: { auth: 'up', user: 'up', orders: 'up', [shortNames[unit]]: 'down' },
    },
  })
  expectNothingOfTheInside(health.text)
}

/** Everything works again, without anybody's help. */
const expectRecovery = () =>
  eventually(15_000, async () => {
    for (const service of services) expect((await proofOf[service]()).status, service).toBe(200)
    const { status, body } = await call(gateway, 'GET', '/health')
    expect({ status, services: body.services }).toEqual({
      status: 200,
      services: { auth: 'up', user: 'up', orders: 'up' },
    })
  })

/** Stops one unit until the end of the test, where it runs again. */
async function stopped(unit: Away): Promise<void> {
  const process = shop.processes[unit]!
  expect(await process.stop()).toBe(0)
  onTestFinished(async () => {
    if (shop.processes[unit] === process) await shop.restart(unit)
    await expectRecovery()
  })
}

describe.each(services)('%s', (unit) => {
  test('stopped: its routes answer 503, the others work, and it recovers', { timeout: 60_000 }, async () => {
    await stopped(unit)
    await expectAway(unit)
    await shop.restart(unit)
    await expectRecovery()
  })

  test('frozen: its routes answer 503 within the deadline, and it recovers', { timeout: 60_000 }, async () => {
    const { pid } = shop.processes[unit]!.child
    process.kill(pid!, 'SIGSTOP')
    try {
      await expectAway(unit)
    } finally {
      process.kill(pid!, 'SIGCONT')
    }
    await expectRecovery()
  })
})

test('a registration made while the user service was away gets its profile once that is back', {
  timeout: 60_000,
}, async () => {
  await stopped('user-service')
  const { username } = await register(gateway, `meanwhile-${Date.now()}`)
  await shop.restart('user-service')
  // The administrator's list makes no profile, so only the event can have.
  await eventually(15_000, async () => {
    const { body } = await call(gateway, 'GET', '/users', { token })
    expect(body?.data?.filter((user: { username: string }) => user.username === username)).toHaveLength(1)
  })
})

test('requests to a frozen service do not pile up in the gateway', { timeout: 60_000 }, async () => {
  const gatewayPid = shop.processes['api-gateway']!.child.pid!
  const { pid } = shop.processes['orders-service']!.child
  await expectRecovery()
  const before = await socketsOf(gatewayPid)
  const wave = async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, () => call(gateway, 'GET', '/products')))
    for (const answer of answers) {
      expectUnavailable(answer)
      expect(answer.ms).toBeLessThan(upstreamTimeoutMs + 4 * marginMs)
    }
  }
  process.kill(pid!, 'SIGSTOP')
  try {
    // Several waves, so that anything left behind by each of 900 requests shows above the pool of 128 connections.
    for (let waves = 0; waves < 3; waves += 1) await wave()
    await eventually(5_000, async () => expect(await socketsOf(gatewayPid)).toBeLessThanOrEqual(before + poolSize + 10))
    const others = await proofOf['user-service']()
    expect(others.status).toBe(200)
  } finally {
    process.kill(pid!, 'SIGCONT')
  }
  await expectRecovery()
})

test('a unit with another INTERNAL_SERVICE_TOKEN answers 503, and the log says why', { timeout: 60_000 }, async () => {
  await stopped('orders-service')
  const databases = [...shop.processes.database!.stdout().matchAll(/^(\w+_DATABASE_URL)=(\S+)$/gm)]
  const stranger = await startProcess(['start', 'shop/orders-service'], {
    ...testEnvironment,
    ...Object.fromEntries(databases.map(([, name, url]) => [name, url])),
    GUICHET_DATA_DIR: shop.dataDir,
    AUTH_SERVICE_URL: shop.urls.auth,
    INTERNAL_SERVICE_TOKEN: 'not the token of the other units of this shop',
    PORT: new URL(shop.urls.orders).port,
  })
  try {
    for (const ask of routesOf['orders-service']) expectUnavailable(await ask())
    const { stdout, stderr } = shop.processes['api-gateway']!
    await eventually(2_000, async () => expect(stdout() + stderr()).toMatch(/INTERNAL_SERVICE_TOKEN/))
    expect(stdout() + stderr()).not.toContain('not the token of')
  } finally {
    await stranger.stop()
  }
  await shop.restart('orders-service')
  await expectRecovery()
})

/** Open sockets of a process: Linux only, as are the signals of this file. */
async function socketsOf(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')))
  return links.filter((link) => link.startsWith('socket:')).length
}
