import Type from 'typebox'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { listenerOptions, mounted, plainContract, serviceToken } from '../../tests/support/listeners.ts'
import type { Config } from '../config/config.ts'
import { reply, route } from '../contracts/_kit/contract.ts'
import { createListener } from './listener.ts'
import { withoutTrailingSlash } from './trailing-slash.ts'
import { openUpstream } from './upstream.ts'

test.each([
  ['/people/', '/people'],
  ['/people/?a=b/', '/people?a=b/'],
  ['/people/ada/', '/people/ada'],
  ['http://there.example/people/', 'http://there.example/people'],
  ['/people', '/people'],
  ['/people?a=/', '/people?a=/'],
  ['/people//', '/people//'],
  ['/people/ada/books/', '/people/ada/books/'],
  ['/others/', '/others/'],
  ['/', '/'],
])('the target %s is %s', (target, taken) => {
  expect(withoutTrailingSlash(['/people', '/people/:name'])({ url: target })).toBe(taken)
})

const routesBelow = (prefix: string) => [
  route('identity', 'GET', `${prefix}/people/:name`, {
    summary: 'Say who',
    access: 'public',
    params: Type.Object({ name: Type.String() }),
    replies: { 200: Type.Any() },
    handler: async (_service, { params }) => reply(200, { name: params.name }),
  }),
]
const slashed = plainContract(routesBelow('/slashed'), {
  name: 'slashed',
  browser: { origins: 'any' },
  healthRoutes: [{ url: '/slashed/health', of: 'gateway' }],
  health: () => ({ status: 200, body: { healthy: true } }),
  hosting: { trailingSlash: true },
})
const exact = plainContract(routesBelow('/exact'), { name: 'exact' })

const config = { trustedProxies: [], corsOrigins: [], instanceId: 'test-1' }

test('a contract takes a last slash on the default host and its own, as the same route for limits and preflights; others do not', async () => {
  const counted: string[] = []
  const app = await mounted(exact, {
    contracts: [exact, slashed],
    config: { ...config, hosts: new Map([['slashed.test', 'slashed']]) } as unknown as Config,
    limiter: {
      count: async ({ route, who }) => void counted.push(`${route.url} ${who}`),
      giveBack: async () => undefined,
      check: async () => undefined,
    },
  })
  onTestFinished(() => app.close())
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  // Hosts are told apart before the router.
  const ask = async (method: 'GET' | 'POST' | 'OPTIONS', url: string, headers: Record<string, string>) => {
    const { statusCode, headers: said, body } = await request(`${base}${url}`, { method, headers })
    return { status: statusCode, headers: said, text: await body.text() }
  }
  for (const host of ['default.test', 'slashed.test']) {
    const headers = { host, origin: 'https://any.example' }
    for (const url of ['/slashed/people/ada', '/slashed/people/ada/', '/slashed/people/ada/?x=1']) {
      expect(await ask('GET', url, headers), `${host}${url}`).toMatchObject({ status: 200, text: '{"name":"ada"}' })
      const preflight = await ask('OPTIONS', url, { ...headers, 'access-control-request-method': 'GET' })
      expect(preflight.headers['access-control-allow-origin'], `${host}${url}`).toBe('*')
    }
    expect((await ask('POST', '/slashed/people/ada/', headers)).text).toContain('edge.method_not_allowed')
  }
  expect(new Set(counted)).toEqual(new Set(['/slashed/people/:name address:127.0.0.1']))
  expect((await app.inject({ url: '/exact/people/ada' })).statusCode).toBe(200)
  expect((await app.inject({ url: '/exact/people/ada/' })).statusCode).toBe(404)
  const unit = await mounted(slashed)
  onTestFinished(() => unit.close())
  for (const url of ['/slashed/health', '/slashed/health/']) expect((await unit.inject({ url })).statusCode).toBe(200)
})

test('a gateway that forwards takes it as well', async () => {
  const internal = { token: serviceToken, routes: () => undefined }
  const unit = await mounted(slashed, { internal })
  onTestFinished(() => unit.close())
  const upstream = openUpstream({
    url: await unit.listen({ port: 0, host: '127.0.0.1' }),
    token: serviceToken,
    deadlineMs: 5_000,
  })
  onTestFinished(() => upstream.close())
  const gateway = await createListener(listenerOptions(slashed, { upstreams: { identity: upstream } }))
  onTestFinished(() => gateway.close())
  const answer = await gateway.inject({ url: '/slashed/people/ada/?x=1' })
  expect([answer.statusCode, answer.json()]).toEqual([200, { name: 'ada' }])
})
