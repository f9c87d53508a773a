import { randomUUID } from 'node:crypto'
import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/platform/log.ts'
import { openRedis, type Redis } from '../../../src/platform/redis/connection.ts'
import { goodPassword } from '../../contract/helpdesk/client.ts'
import { preparedDataDir } from '../../support/prepared-data.ts'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from '../../support/processes.ts'
import { redisStartTimeout, startRedis, type TestRedis } from '../../support/redis.ts'
import { type Answer, call, eventually, expectNothingOfTheInside, inParallel } from '../calls.ts'
import { openSlowProxy, type SlowProxy } from '../slow-proxy.ts'

/** `AUTH_SERVICE_TIMEOUT`. */
const timeoutMs = 500
/** What a busy machine may add to it. */
const marginMs = 1_500
/** Connections to the auth service: 32 that ask about tokens, and those that follow its events and revocations. */
const mostConnections = 32 + 8

let dataDir: string
let redisServer: TestRedis
let redis: Redis
let database: GuichetProcess
let auth: GuichetProcess
let authUrl: string
let proxy: SlowProxy
/** The user service that asks the auth service directly, and one that asks through the proxy and caches in Redis. */
let users: Readonly<Record<'direct' | 'proxied', { url: string; process: GuichetProcess; authPort: number }>>
let startAuth: () => Promise<void>

beforeAll(async () => {
  dataDir = await preparedDataDir('guichet-helpdesk-away')
  const env = { ...testEnvironment, GUICHET_DATA_DIR: dataDir }
  const [authPort = 0, directPort = 0, proxiedPort = 0] = await freePorts(3)
  authUrl = `http://127.0.0.1:${authPort}`
  redisServer = await startRedis()
  redis = await openRedis({ url: redisServer.url, log: silentLogger() })
  proxy = await openSlowProxy(authPort)
  // By itself, so that the auth service can be killed without it.
  database = await startProcess(['database'], env, { ready: /ORDERS_DATABASE_URL=/ })
  startAuth = async () => {
    // The limits on reading are those of the contract; many sign up here.
    const limits = { GUICHET_LIMITS_SCALE: '1', AUTH_RATE_LIMIT_MAX: '100000' }
    auth = await startProcess(['start', 'helpdesk/auth-service'], { ...env, ...limits, PORT: String(authPort) })
  }
  await startAuth()
  const startUsers = async (port: number, url: string, more = {}) => {
    const own = { PORT: String(port), AUTH_SERVICE_URL: url, AUTH_SERVICE_TIMEOUT: String(timeoutMs), ...more }
    const process = await startProcess(['start', 'helpdesk/user-service'], { ...env, ...own })
    return { url: `http://127.0.0.1:${port}`, process, authPort: Number(new URL(url).port) }
  }
  users = {
    direct: await startUsers(directPort, authUrl),
    proxied: await startUsers(proxiedPort, proxy.url, { REDIS_URL: redisServer.url }),
  }
}, redisStartTimeout)

afterAll(async () => {
  await users?.direct.process.stop()
  await users?.proxied.process.stop()
  await auth?.stop()
  await database?.stop()
  await proxy?.close()
  await redis?.close()
  await redisServer?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const both = ['direct', 'proxied'] as const

/** The access token of somebody new. */
async function newToken(): Promise<string> {
  const body = { email: `${randomUUID()}@example.org`, password: goodPassword }
  const answer = await call(authUrl, 'POST', '/api/auth/register', { body })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.accessToken
}

const profile = (which: (typeof both)[number], token: string) =>
  call(users[which].url, 'GET', '/api/profile/me', { token })

async function expectProfile(which: (typeof both)[number], token: string): Promise<void> {
  const answer = await profile(which, token)
  expect(answer.status, `${which}: ${answer.text}`).toBe(200)
}

const text = 'Auth Service unavailable'
const away = { success: false, message: text, error: text, code: 'AUTH_SERVICE_UNAVAILABLE' }

function expectAway(answer: Answer, withinMs = timeoutMs + marginMs): void {
  expect({ status: answer.status, body: answer.body }).toEqual({ status: 503, body: away })
  expectNothingOfTheInside(answer.text)
  expect(answer.ms).toBeLessThan(withinMs)
}

/** A token of the right form that nobody issued. */
const unknownToken = () => `${[randomUUID(), randomUUID(), randomUUID()].join('.')}`

async function expectHealth(which: (typeof both)[number], status: number, authService: string): Promise<void> {
  const { status: found, body } = await call(users[which].url, 'GET', '/health')
  expect({ which, status: found, authService: body.dependencies.authService }).toEqual({ which, status, authService })
}

/** Everything works, without anybody's help. */
const expectRecovery = (which: (typeof both)[number], token: string) =>
  eventually(10_000, async () => {
    await expectProfile(which, token)
    await expectHealth(which, 200, 'connected')
  })

test('H-01 H-09 the user service answers whom the auth service vouches for, and nobody else', async () => {
  const token = await newToken()
  for (const which of both) {
    await expectProfile(which, token)
    for (const other of ['nonsense', unknownToken()]) expect((await profile(which, other)).status, other).toBe(401)
  }
})

test('H-74 answers are cached in Redis for seconds, under a hash', async () => {
  const token = await newToken()
  await redis.client.flushall()
  await expectProfile('proxied', token)
  const keys = await eventually(2_000, async () => {
    const found = await redis.client.keys('user-service:token:*')
    expect(found).toHaveLength(1)
    return found
  })
  expect(keys[0]).not.toContain(token.slice(-20))
  const left = await redis.client.pttl(keys[0]!)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(5_000)
})

test.each(both)('H-74 signed out at the auth service, refused by the user service at once (%s)', async (which) => {
  for (let rounds = 0; rounds < 10; rounds += 1) {
    const [token, other] = [await newToken(), await newToken()]
    // Twice, so that the second is answered from the cache.
    for (let times = 0; times < 2; times += 1) await expectProfile(which, token)
    const out = await call(authUrl, 'POST', '/api/auth/logout', { token })
    expect(out.status, out.text).toBe(200)
    await eventually(1_000, async () => expect((await profile(which, token)).status).toBe(401))
    expect((await profile(which, token)).status).toBe(401)
    await expectProfile(which, other)
  }
})

test('H-49 the limits of the auth service are for strangers, and hold no service up', { timeout: 60_000 }, async () => {
  const token = await newToken()
  let answered = 0
  for (; answered < 150; answered += 1) {
    if ((await call(authUrl, 'GET', '/api/auth/verify', { token })).status === 429) break
  }
  expect(answered).toBe(100)
  const tokens: string[] = []
  await inParallel(Array.from({ length: 300 }), 20, async () => void tokens.push(await newToken()))
  for (const which of both) await inParallel(tokens, 20, (one) => expectProfile(which, one))
})

describe('the auth service killed', () => {
  test('H-68 503 at once, also for tokens just seen; then all works again', { timeout: 60_000 }, async () => {
    const [seen, unseen] = [await newToken(), await newToken()]
    for (const which of both) await expectProfile(which, seen)
    await auth.kill()
    try {
      for (const which of both) {
        // The first may have to find out.
        for (const token of [unseen, seen, seen, unseen]) expectAway(await profile(which, token))
        await eventually(5_000, () => expectHealth(which, 503, 'disconnected'))
        expect((await profile(which, 'nonsense')).status).toBe(401)
      }
      const answers = await Promise.all(Array.from({ length: 100 }, () => profile('direct', seen)))
      for (const answer of answers) expectAway(answer)
    } finally {
      await startAuth()
    }
    // What was seen may be known still; the other one shows that the auth service is asked again.
    for (const which of both) for (const token of [seen, unseen]) await expectRecovery(which, token)
  })
})

interface Trouble {
  name: string
  which: (typeof both)[number]
  /** What health answers meanwhile, where it is certain: it is asked with a deadline of its own. */
  health?: number
  begin(): void
  end(): void
}

const signal = (name: 'SIGSTOP' | 'SIGCONT') => void auth.child.kill(name)

describe.each<Trouble>([
  { name: 'slow', which: 'proxied', begin: () => proxy.delay(3 * timeoutMs), end: () => proxy.delay(0) },
  { name: 'frozen', which: 'direct', health: 503, begin: () => signal('SIGSTOP'), end: () => signal('SIGCONT') },
])('the auth service $name', ({ which, health, begin, end }) => {
  test('H-40 503 in time, few connections, and recovery', { timeout: 60_000 }, async () => {
    const token = await newToken()
    const { process: user, authPort, url } = users[which]
    const wave = () => Promise.all(Array.from({ length: 200 }, () => profile(which, unknownToken())))
    begin()
    try {
      let most = 0
      const watching = new AbortController()
      const watch = (async () => {
        while (!watching.signal.aborted) most = Math.max(most, await connectionsTo(user.child.pid!, authPort))
      })()
      for (let waves = 0; waves < 3; waves += 1) for (const answer of await wave()) expectAway(answer)
      watching.abort()
      await watch
      expect(most).toBeGreaterThan(0)
      expect(most).toBeLessThanOrEqual(mostConnections)

      // Now that it is known, only the one a second that finds out whether it is back has to wait.
      const answers: Answer[] = []
      while (answers.length < 20) answers.push(await profile(which, unknownToken()))
      for (const answer of answers) expectAway(answer)
      expect(answers.filter(({ ms }) => ms >= timeoutMs).length).toBeLessThanOrEqual(2)
      if (health !== undefined) await eventually(5_000, () => expectHealth(which, health, 'disconnected'))
      await eventually(5_000, async () => expectAway(await profile(which, token)))
      expect((await call(url, 'GET', '/livez')).status).toBe(200)
    } finally {
      end()
    }
    await expectRecovery(which, token)
    await eventually(5_000, async () => expect((await profile(which, unknownToken())).status).toBe(401))
  })
})

/** Established TCP connections of a process to a local port (Linux). */
async function connectionsTo(pid: number, port: number): Promise<number> {
  const folder = `/proc/${pid}/fd`
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')))
  const own = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]))
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')))
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .filter((line) => {
      const [, , remote = '', state, , , , , , inode] = line.trim().split(/\s+/)
      return state === '01' && remote.endsWith(`:${wanted}`) && own.has(inode)
    }).length
}
