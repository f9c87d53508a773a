import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import Type from 'typebox'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { mounted, plainContract, serviceToken } from '../../tests/support/listeners.ts'
import type { Config } from '../config/config.ts'
import { reply, route } from '../contracts/_kit/contract.ts'
import { refuseAtEdge } from '../platform/errors.ts'
import type { AccessClaims } from '../platform/tokens/verifier.ts'
import { openUpstream, type Upstream } from './upstream.ts'

const routes = (['public', 'person'] as const).map((access) =>
  route('profiles', 'GET', `/${access}/:id`, {
    summary: 'Ask the service',
    access,
    replies: { 200: Type.Any() },
    handler: async () => reply(200, 'never called here'),
  }),
)

/** What the service was asked. */
let heard: { url: string | undefined; headers: IncomingHttpHeaders }[] = []
const service = createServer(({ url, headers }, response) => {
  heard.push({ url, headers })
  response.setHeader('content-type', 'application/json').end('{}')
})
/** Gateways that trust no proxy, and this machine as one. */
const gateways: Record<string, Awaited<ReturnType<typeof mounted>>> = {}
let upstream: Upstream
beforeAll(async () => {
  await once(service.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  upstream = openUpstream({ url, token: serviceToken, deadlineMs: 10_000 })
  for (const [name, trustedProxies] of Object.entries({ direct: [], behind: ['127.0.0.0/8'] })) {
    gateways[name] = await mounted(plainContract(routes), {
      local: {},
      upstreams: { profiles: upstream },
      config: { trustedProxies, corsOrigins: [], instanceId: 'test-1', hosts: new Map() } as unknown as Config,
      verifierOf: () => ({
        async verify(token) {
          if (token !== 'good') throw refuseAtEdge('edge.invalid_token')
          return { uid: 'u', sub: 'Zoë Łuć/1' } as unknown as AccessClaims
        },
        verifySeen: () => undefined,
      }),
    })
  }
})
afterAll(async () => {
  await Promise.all(Object.values(gateways).map((app) => app.close()))
  await upstream.close()
  service.close()
})
beforeEach(() => {
  heard = []
})

const ask = (gateway: string, url: string, headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') =>
  gateways[gateway]!.inject({ url, headers, remoteAddress })
const spoofed = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9', forwarded: 'for=203.0.113.9' }
const claimed = { 'x-user-id': 'admin', 'x-user-role': 'admin', 'x-internal-token': 'x', 'x-internal-user': 'admin' }
const good = { authorization: 'Bearer good' }

test.each<[string, string, Record<string, string>, string, string]>([
  ['of a client', 'direct', {}, '192.0.2.7', '192.0.2.7'],
  ['of a client that says it is another', 'direct', spoofed, '192.0.2.7', '192.0.2.7'],
  ['of a client that says so of this machine', 'direct', spoofed, '127.0.0.1', '127.0.0.1'],
  ['that a trusted proxy states', 'behind', spoofed, '127.0.0.1', '203.0.113.9'],
  ['of a client past the proxy', 'behind', spoofed, '192.0.2.7', '192.0.2.7'],
  [
    'before the proxies that are trusted',
    'behind',
    { 'x-forwarded-for': '203.0.113.9, 192.0.2.1, 127.0.0.9' },
    '127.0.0.1',
    '192.0.2.1',
  ],
  ['that is none', 'behind', { 'x-forwarded-for': 'evil' }, '127.0.0.1', '127.0.0.1'],
])('the service is told the address %s as the gateway saw it', async (_, gateway, headers, from, told) => {
  expect((await ask(gateway, '/public/1', headers, from)).statusCode).toBe(200)
  const [asked] = heard
  expect(asked?.headers['x-forwarded-for']).toBe(told)
  for (const name of ['x-real-ip', 'forwarded']) expect(asked?.headers).not.toHaveProperty(name)
})

test('who asks is what the token says, and nobody where none is asked for', async () => {
  await ask('direct', '/person/1', { ...good, ...claimed })
  await ask('direct', '/public/1', { ...good, ...claimed })
  const [person, anybody] = heard.map(({ headers }) => headers)
  expect(person?.['x-user-id']).toBe('Zo%C3%AB%20%C5%81u%C4%87/1')
  expect(anybody).not.toHaveProperty('x-user-id')
  for (const headers of [person, anybody]) {
    expect(headers).toMatchObject({ authorization: good.authorization, 'x-internal-token': serviceToken })
    for (const name of ['x-user-role', 'x-internal-user']) expect(headers).not.toHaveProperty(name)
  }
})

test('what the edge refuses does not reach the service', async () => {
  for (const headers of [{}, { authorization: 'Bearer bad' }, claimed]) {
    expect((await ask('direct', '/person/1', headers)).statusCode).toBe(401)
  }
  expect(heard).toEqual([])
})

test('a target is asked below the internal prefix, one in absolute form too', async () => {
  const port = new URL(await gateways.direct!.listen({ host: '127.0.0.1', port: 0 })).port
  for (const path of ['/public/a%20b?x=1&x=%2F', 'http://elsewhere.example/public/1?x=1']) {
    const [answer] = await once(request({ host: '127.0.0.1', port, path, agent: false }).end(), 'response')
    answer.resume()
  }
  expect(heard.map(({ url }) => url)).toEqual(
    ['/public/a%20b?x=1&x=%2F', '/public/1?x=1'].map((asked) => `/internal/contracts/plain${asked}`),
  )
})

test('tries are counted by name before they are passed on, as where the service runs here', async () => {
  const login = route('identity', 'POST', '/login', {
    summary: 'Sign in',
    access: 'public',
    limit: 'credentials',
    limitBy: ({ name }) => name,
    body: Type.Object({ name: Type.String() }),
    replies: { 200: Type.Any() },
    handler: async () => reply(200, 'never called here'),
  })
  const counted: string[] = []
  const count = async ({ who }: { who: string }) => {
    counted.push(who)
    if (who.includes('ada')) throw refuseAtEdge('edge.rate_limited', { retryAfterSeconds: 1 })
  }
  const app = await mounted(plainContract([login]), {
    local: {},
    upstreams: { identity: upstream },
    limiter: { count, giveBack: async () => undefined, check: async () => undefined },
  })
  onTestFinished(() => app.close())
  const answers = ['ada', 'eve'].map((name) => app.inject({ method: 'POST', url: '/login', payload: { name } }))
  expect((await Promise.all(answers)).map(({ statusCode }) => statusCode)).toEqual([429, 200])
  expect(heard).toHaveLength(1)
  expect(counted.filter((who) => who.includes('ada')).length).toBeGreaterThan(0)
})
