import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DomainError } from '../../platform/errors.ts'
import {
  type AuthServiceClient,
  type AuthServiceClientOptions,
  createAuthServiceClient,
} from './auth-service-client.ts'

const timeoutMs = 300
/** What a busy machine may add to a deadline. */
const marginMs = 700

const user = { id: 'u-1', email: 'lea@example.org', role: 'user' }
const account = { ...user, isActive: true, emailVerified: true, createdAt: '2026-01-02T03:04:05.000Z', lastLogin: null }

/** An auth service whose answers a test chooses. */
let server: Server
let url: string
let behave: RequestListener
let requests: IncomingMessage[]
let clients: AuthServiceClient[]

const answer =
  (status: number, body: unknown): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
const good = answer(200, { success: true, user })
const silent: RequestListener = () => undefined
const hangUp: RequestListener = (request) => request.socket.destroy()

beforeEach(async () => {
  requests = []
  clients = []
  behave = good
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(request)
    behave(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  for (const client of clients) await client.close()
  server.closeAllConnections()
  server.close()
})

function open(options: Partial<AuthServiceClientOptions> = {}): AuthServiceClient {
  const client = createAuthServiceClient({ url, timeoutMs, ...options })
  clients.push(client)
  return client
}

const connections = () =>
  new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })

/** What a call was refused with, and after how many milliseconds. */
async function refused(call: Promise<unknown>): Promise<{ code: string; reason: string; ms: number }> {
  const began = performance.now()
  const error = await call.then(
    (value) => new Error(`got ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DomainError)) throw error
  const reason = error.cause instanceof Error ? error.cause.message : ''
  return { code: error.code, reason, ms: performance.now() - began }
}

/** Calls fail with the one code, for this reason. */
async function expectUnavailable(call: Promise<unknown>, reason: RegExp = /./): Promise<number> {
  const found = await refused(call)
  expect(found).toMatchObject({ code: 'edge.identity_unavailable', reason: expect.stringMatching(reason) })
  return found.ms
}

const token = 'aaaa.bbbb.cccc'

describe('a token', () => {
  test('is asked about with that very token; only the answer tells whom it stands for', async () => {
    expect(await open().verify(token)).toMatchObject({ kind: 'valid', user })
    expect(requests[0]).toMatchObject({
      method: 'GET',
      url: '/api/auth/verify',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(requests[0]?.headers['x-internal-token']).toBeUndefined()
  })

  test('is asked about in the name of the service that has a token of its own', async () => {
    await open({ serviceToken: 'of the service' }).verify(token)
    expect(requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${token}`,
      'x-internal-token': 'of the service',
    })
  })

  test('is asked about below a path', async () => {
    await open({ url: `${url}/helpdesk/` }).verify(token)
    expect(requests[0]?.url).toBe('/helpdesk/api/auth/verify')
  })

  test('that is refused is invalid, whatever the refusal looks like', async () => {
    const client = open()
    for (const body of [{ success: false, error: 'x' }, '<html>']) {
      behave = answer(401, body)
      expect(await client.verify(token)).toEqual({ kind: 'invalid' })
    }
  })

  test.each(['', ' ', 'a b', 'a\r\nx-internal-token: b', 'é', '😀'])(
    '%j is none, and not asked about',
    async (text) => {
      expect(await open().verify(text)).toEqual({ kind: 'invalid' })
      expect(requests).toEqual([])
    },
  )
})

describe('an account', () => {
  const found = {
    ...user,
    isActive: true,
    emailVerified: true,
    createdAt: new Date(account.createdAt),
    lastLogin: null,
  }
  beforeEach(() => {
    behave = answer(200, { success: true, data: account })
  })

  test('is asked for in the name of the service', async () => {
    const client = open({ serviceToken: 'of-the-service' })
    expect(await client.userById('u-1')).toEqual(found)
    expect(await client.userByEmail('léa+x/y@example.org')).toEqual(found)
    expect(requests.map((request) => request.url)).toEqual([
      '/api/auth/users/u-1',
      '/api/auth/users/email/l%C3%A9a%2Bx%2Fy%40example.org',
    ])
    for (const { headers } of requests) {
      expect(headers).toMatchObject({ authorization: 'Bearer of-the-service', 'x-internal-token': 'of-the-service' })
    }
  })

  test('is asked for in a person’s name, who may see no more by that', async () => {
    const client = open({ serviceToken: 'of-the-service' })
    expect(await client.userById('u-1', token)).toEqual(found)
    expect(await client.userByEmail('a@example.org', token)).toEqual(found)
    for (const { headers } of requests) {
      expect(headers.authorization).toBe(`Bearer ${token}`)
      expect(headers['x-internal-token']).toBeUndefined()
    }
  })

  test.each([404, 400])('is undefined where the answer is %i', async (status) => {
    behave = answer(status, { success: false })
    const client = open()
    expect(await client.userById('x', token)).toBeUndefined()
    expect(await client.userByEmail('x', token)).toBeUndefined()
  })

  test('of half a surrogate pair is undefined, without a question', async () => {
    expect(await open().userByEmail('\ud800@example.org', token)).toBeUndefined()
    expect(requests).toEqual([])
  })

  test.each([
    [401, 'edge.invalid_token'],
    [403, 'edge.forbidden'],
    [429, 'edge.identity_unavailable'],
  ])('the answer %i is refused with %s', async (status, code) => {
    behave = answer(status, { success: false })
    for (const call of [open().userById('u-1', token), open().userByEmail('a@example.org', token)]) {
      expect((await refused(call)).code).toBe(code)
    }
  })

  test('cannot be asked for without credentials, or with what is no token', async () => {
    expect((await refused(open().userById('u-1'))).code).toBe('edge.missing_token')
    expect((await refused(open().userById('u-1', 'a b'))).code).toBe('edge.invalid_token')
    expect(requests).toEqual([])
  })
})

describe('no answer', () => {
  const halfAnswer: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"success":')
  }
  const cases: Record<string, { behaves: RequestListener; reason: RegExp; asked: number }> = {
    'an error of its own': { behaves: answer(500, { success: false }), reason: /answered 500/, asked: 1 },
    'a proxy that does not reach it': { behaves: answer(502, '<html>'), reason: /answered 502/, asked: 1 },
    'something else at the address': { behaves: answer(404, '<html>'), reason: /answered 404/, asked: 1 },
    'a redirection': { behaves: answer(302, ''), reason: /answered 302/, asked: 1 },
    'a limit': { behaves: answer(429, { success: false }), reason: /answered 429/, asked: 1 },
    'a page': { behaves: answer(200, '<html>'), reason: /not JSON/, asked: 1 },
    'nobody named': { behaves: answer(200, { success: true }), reason: /no user/, asked: 1 },
    'too long a text': { behaves: answer(200, `"${'x'.repeat(300_000)}"`), reason: /EXCEEDED/, asked: 1 },
    silence: { behaves: silent, reason: /no answer within 300 ms/, asked: 1 },
    'silence in the middle': { behaves: halfAnswer, reason: /no answer within 300 ms/, asked: 1 },
    'a connection that ends': { behaves: hangUp, reason: /cannot be reached/, asked: 2 },
  }
  test.each(Object.entries(cases))('%s: one code, in time', async (_name, { behaves, reason, asked }) => {
    behave = behaves
    const ms = await expectUnavailable(open().verify(token), reason)
    expect(ms).toBeLessThan(timeoutMs + marginMs)
    expect(requests).toHaveLength(asked)
  })

  test('nobody listens: one code, and the address in the reason', async () => {
    server.close()
    await once(server, 'close')
    await expectUnavailable(open().verify(token), new RegExp(`${url}.*ECONNREFUSED`))
  })

  test('the text of an answer is not in the reason', async () => {
    behave = answer(200, '{"email":"lea@example.org"')
    const { reason } = await refused(open().verify(token))
    expect(reason).not.toContain('lea')
  })

  test('a lost connection is made up for by a second try', async () => {
    behave = (request, response) => (requests.length === 1 ? hangUp : good)(request, response)
    expect(await open().verify(token)).toMatchObject({ kind: 'valid' })
    expect(requests).toHaveLength(2)
  })

  test('a kept connection that was closed meanwhile is no failure', async () => {
    const client = open()
    await client.verify(token)
    server.closeIdleConnections()
    expect(await client.verify(token)).toMatchObject({ kind: 'valid' })
  })
})

describe('the breaker', () => {
  const failing = answer(500, { success: false })
  const broken = async () => {
    behave = failing
    const client = open()
    for (let failures = 0; failures < 5; failures += 1) await expectUnavailable(client.verify(token), /answered 500/)
    return client
  }

  test('after five failures in a row refuses at once and asks nothing', async () => {
    const client = await broken()
    for (let calls = 0; calls < 20; calls += 1) {
      expect(await expectUnavailable(client.verify(token), /left alone/)).toBeLessThan(200)
    }
    expect(requests).toHaveLength(5)
  })

  test('is not opened by answers, nor by failures with answers between them', async () => {
    const client = open()
    behave = answer(401, {})
    for (let calls = 0; calls < 10; calls += 1) expect(await client.verify(token)).toEqual({ kind: 'invalid' })
    behave = answer(404, {})
    for (let calls = 0; calls < 10; calls += 1) await client.userById('x', token)
    for (let rounds = 0; rounds < 3; rounds += 1) {
      behave = failing
      for (let failures = 0; failures < 4; failures += 1) await expectUnavailable(client.verify(token), /answered 500/)
      behave = good
      expect(await client.verify(token)).toMatchObject({ kind: 'valid' })
    }
  })

  test('lets one question a second find out whether it is back, and then all', { timeout: 20_000 }, async () => {
    const client = await broken()
    // Still away: of those who come at once after a second one is asked, and nobody waits for it.
    behave = silent
    await pause(1_050)
    const began = performance.now()
    const found = await Promise.all(Array.from({ length: 20 }, () => refused(client.verify(token))))
    expect(requests).toHaveLength(6)
    expect(found.filter(({ ms }) => ms > timeoutMs - 50)).toHaveLength(1)
    expect(performance.now() - began).toBeLessThan(timeoutMs + marginMs)
    await expectUnavailable(client.verify(token), /left alone/)
    expect(requests).toHaveLength(6)

    behave = good
    await expect.poll(() => client.verify(token).catch(() => undefined), { timeout: 3_000 }).toMatchObject({ user })
    const all = await Promise.all(Array.from({ length: 20 }, () => client.verify(token)))
    expect(all.every(({ kind }) => kind === 'valid')).toBe(true)
  })

  test('does not keep a health check back', async () => {
    const client = await broken()
    await expectUnavailable(client.ping(), /answered 500/)
    behave = answer(200, { success: true, status: 'OK' })
    await client.ping()
    expect(requests.at(-1)?.url).toBe('/api/auth/health')
    behave = silent
    expect(await expectUnavailable(client.ping(), /no answer within/)).toBeLessThan(timeoutMs + marginMs)
  })
})

describe('many at once', () => {
  test('wait for their turn on few connections', async () => {
    behave = (request, response) => void pause(5).then(() => good(request, response))
    const client = open({ concurrency: 4, queue: 300, timeoutMs: 10_000 })
    let most = 0
    const watch = setInterval(() => void connections().then((count) => (most = Math.max(most, count))), 2)
    const all = await Promise.all(Array.from({ length: 200 }, () => client.verify(token)))
    clearInterval(watch)
    expect(all.every(({ kind }) => kind === 'valid')).toBe(true)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(4)
  })

  test('are refused at once beyond the queue, which says nothing of the auth service', async () => {
    behave = silent
    const client = open({ concurrency: 2, queue: 3, timeoutMs: 3_000 })
    const asking = Array.from({ length: 5 }, () => refused(client.verify(token)))
    const beyond = await Promise.all(Array.from({ length: 20 }, () => refused(client.verify(token))))
    for (const { code, reason, ms } of beyond) {
      expect({ code, reason }).toEqual({
        code: 'edge.identity_unavailable',
        reason: expect.stringMatching(/too many questions/),
      })
      expect(ms).toBeLessThan(1_500)
    }
    behave = good
    for (const request of requests) request.socket.destroy()
    await Promise.all(asking.map((one) => one.catch(() => undefined)))
    expect(await client.verify(token)).toMatchObject({ kind: 'valid' })
  })

  test('while it hangs: each in time, few connections, and afterwards none is stuck', { timeout: 20_000 }, async () => {
    behave = silent
    // Time enough for two hundred answers on a busy machine.
    const deadline = 1_500
    const client = open({ concurrency: 8, timeoutMs: deadline })
    for (let waves = 0; waves < 3; waves += 1) {
      const wave = await Promise.all(Array.from({ length: 200 }, () => refused(client.verify(token))))
      expect(Math.max(...wave.map(({ ms }) => ms))).toBeLessThan(deadline + marginMs)
      expect(await connections()).toBeLessThanOrEqual(8)
    }
    behave = good
    await expect.poll(() => client.verify(token).catch(() => undefined), { timeout: 5_000 }).toMatchObject({ user })
    for (let waves = 0; waves < 3; waves += 1) {
      const wave = await Promise.all(Array.from({ length: 200 }, () => client.verify(token)))
      expect(wave.every(({ kind }) => kind === 'valid')).toBe(true)
    }
    expect(await connections()).toBeLessThanOrEqual(8)
  })

  test('while nobody listens: each in time, and afterwards none is stuck', { timeout: 20_000 }, async () => {
    const { port } = server.address() as AddressInfo
    const client = open({ concurrency: 8, timeoutMs: 2_000 })
    server.close()
    await once(server, 'close')
    for (let waves = 0; waves < 3; waves += 1) {
      const wave = await Promise.all(Array.from({ length: 200 }, () => refused(client.verify(token))))
      expect(Math.max(...wave.map(({ ms }) => ms))).toBeLessThan(2_000 + marginMs)
    }
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    await expect.poll(() => client.verify(token).catch(() => undefined), { timeout: 5_000 }).toMatchObject({ user })
    const wave = await Promise.all(Array.from({ length: 200 }, () => client.verify(token)))
    expect(wave.every(({ kind }) => kind === 'valid')).toBe(true)
  })
})

test('closing refuses those who wait, and whoever comes later', async () => {
  behave = silent
  const client = open({ timeoutMs: 5_000 })
  const waiting = Array.from({ length: 40 }, () => refused(client.verify(token)))
  await expect.poll(() => requests.length).toBe(32)
  await client.close()
  for (const { code, ms } of await Promise.all(waiting)) {
    expect(code).toBe('edge.identity_unavailable')
    expect(ms).toBeLessThan(3_000)
  }
  expect((await refused(client.verify(token))).code).toBe('edge.identity_unavailable')
  await expect.poll(connections).toBe(0)
})
