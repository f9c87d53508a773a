import Type from 'typebox'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { listenerOptions, plainContract } from '../../tests/support/listeners.ts'
import type { Config } from '../config/config.ts'
import { type Access, type Contract, type Route, reply, route } from '../contracts/_kit/contract.ts'
import type { Identity } from '../services/identity/index.ts'
import { createListener, type ListenerOptions } from './listener.ts'

/** A route that says whose it is. */
const saying = (by: string, url: string, { access = 'public' as Access, ...more }: Partial<Route> = {}): Route => ({
  ...route('identity', 'GET', url, {
    summary: 'Say whose this is',
    access,
    replies: { 200: Said },
    handler: async () => reply(200, by),
  }),
  operationId: url,
  ...more,
})
const Said = Type.String()

/** A contract that says of everything that it is its own. */
const contract = (name: string, routes: readonly Route[], more: Partial<Contract> = {}): Contract => {
  const plain = plainContract(routes)
  return {
    ...plain,
    name,
    title: name,
    failure: ({ code }) => ({ by: name, code }),
    healthRoutes: [{ url: `/${name}/health`, of: 'gateway' }],
    health: ({ of }) => ({ status: 200, body: { by: name, of } }),
    documentation: {
      description: '',
      tags: {},
      schemas: { Failure: plain.failureSchema, Said },
      fields: { Said: { example: 'whose' } },
    },
    hosting: {},
    ...more,
  }
}

const first = contract('first', [
  saying('first', '/common'),
  saying('first', '/first'),
  saying('first', '/calls', { access: 'service' }),
])
const claimed = contract(
  'claimed',
  [
    saying('claimed', '/common'),
    saying('claimed', '/claimed'),
    saying('claimed', '/claimed/calls', { access: 'service' }),
    saying('claimed', '/account/claimed/verify-email', { html: true }),
  ],
  {
    browser: { origins: 'any', exposedHeaders: ['x-claimed'] },
    hosting: {
      ownHostOnly: true,
      greeting: 'Good day!',
      instanceHeader: 'x-claimed-instance',
      referenceUrls: ['/claimed-docs'],
    },
  },
)

/** A listener with these contracts, whose service needs nothing. */
async function listener(served: ListenerOptions['contracts'], more: Partial<ListenerOptions> = {}) {
  const config = { trustedProxies: [], corsOrigins: ['https://known.example'], instanceId: 'test-1' }
  const app = await createListener({
    ...listenerOptions(served[0]),
    unit: { ...serviceUnit, name: 'gateway', gateway: true },
    contracts: served,
    // No handler here asks it anything.
    local: { identity: {} as Identity },
    config: { ...config, hosts: new Map([['claimed.test', 'claimed']]) } as unknown as Config,
    ...more,
  })
  onTestFinished(() => app.close())
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  return { app, get }
}
const notFound = (by: string) => ({ by, code: 'edge.not_found' })
const serviceUnit = { name: 'identity', host: '127.0.0.1', port: 0, services: ['identity'], gateway: false } as const

test('the default host has nothing of a contract with a host of its own but the pages of its mail', async () => {
  for (const unit of [undefined, serviceUnit]) {
    const { get } = await listener([first, claimed], unit && { unit })
    expect((await get('/common')).body).toBe('first')
    expect((await get('/first')).body).toBe('first')
    for (const url of ['/claimed', '/claimed/calls', '/claimed/health']) {
      const answer = await get(url)
      expect([answer.statusCode, answer.json()], url).toEqual([404, notFound('first')])
    }
    const page = await get('/account/claimed/verify-email')
    expect([page.statusCode, page.body]).toEqual([200, 'claimed'])
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  }
})

test('the default host shows a contract with a host of its own in its reference alone, for calls to that host', async () => {
  const { get } = await listener([first, claimed])
  const document = await get('/openapi/claimed.json', { host: 'shared.test:8443' })
  expect(document.json()).toMatchObject({ servers: [{ url: 'http://claimed.test:8443' }] })
  // All that its own host serves, and nothing that is no gateway's.
  expect(Object.keys(document.json().paths)).toEqual(['/common', '/claimed'])
  expect((await get('/openapi/first.json')).json().servers).toEqual([expect.objectContaining({ url: '/' })])
  const policyOf = async (url: string) => (await get(url, { host: 'shared.test' })).headers['content-security-policy']
  expect(await policyOf('/apidocs/claimed')).toContain("connect-src 'self' http://claimed.test;")
  expect(await policyOf('/apidocs/first')).toContain("connect-src 'self';")
  expect((await get('/apidocs')).body).toContain('<a href="/apidocs/claimed">claimed</a>')
})

test('a default host does not tell of a contract that it knows no host of', async () => {
  const config = { trustedProxies: [], corsOrigins: [], instanceId: 'test-1', hosts: new Map() } as unknown as Config
  const { get } = await listener([first, claimed], { config })
  expect((await get('/')).json().contracts).toEqual([{ name: 'first', title: 'first', openapi: '/openapi/first.json' }])
  expect((await get('/openapi/first.json')).statusCode).toBe(200)
  for (const url of ['/openapi/claimed.json', '/apidocs/claimed', '/claimed-docs']) {
    expect((await get(url)).statusCode, url).toBe(404)
  }
  expect((await get('/apidocs')).body).not.toContain('claimed')
})

test('origins are judged by the routes that are really there', async () => {
  const { app, get } = await listener([first, claimed])
  const known = { origin: 'https://known.example' }
  const stranger = { origin: 'https://stranger.example' }
  for (const url of ['/common', '/claimed', '/account/claimed/verify-email']) {
    const { headers } = await get(url, known)
    expect(headers['access-control-allow-origin'], url).toBe(known.origin)
    expect(headers['access-control-expose-headers'], url).not.toContain('claimed')
    expect((await get(url, stranger)).headers['access-control-allow-origin'], url).toBeUndefined()
  }
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/claimed',
    headers: { ...stranger, 'access-control-request-method': 'GET' },
  })
  expect(preflight.headers['access-control-allow-origin']).toBeUndefined()
})

test('a path that only the other contract serves here follows its rule for origins', async () => {
  const own = contract('own', [saying('own', '/shared', { ownListenerOnly: true }), saying('own', '/x')], {
    browser: { origins: 'any' },
  })
  const other = contract('other', [saying('other', '/shared')])
  const { get } = await listener([first, own, other])
  const stranger = { origin: 'https://stranger.example' }
  expect((await get('/x', stranger)).headers['access-control-allow-origin']).toBe('*')
  expect((await get('/shared', stranger)).body).toBe('other')
  expect((await get('/shared', stranger)).headers['access-control-allow-origin']).toBeUndefined()
})

test('on a listener of its own a contract is complete, and greets', async () => {
  const { app, get } = await listener([claimed])
  expect((await get('/claimed')).body).toBe('claimed')
  expect((await get('/claimed/health')).json()).toEqual({ by: 'claimed', of: 'gateway' })
  expect((await get('/nothing')).json()).toEqual(notFound('claimed'))
  expect((await get('/openapi/claimed.json')).statusCode).toBe(200)
  const greeting = await get('/')
  expect(greeting.body).toBe('Good day!')
  expect(greeting.headers['content-type']).toBe('text/plain; charset=utf-8')
  const head = await app.inject({ method: 'HEAD', url: '/' })
  expect(head).toMatchObject({ statusCode: 200, body: '' })
  expect(head.headers['content-length']).toBe(String('Good day!'.length))
  expect((await get('/claimed', { origin: 'https://any.example' })).headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-expose-headers': expect.stringMatching(/\bx-claimed-instance\b.*\bx-claimed\b/),
    'x-claimed-instance': 'test-1',
  })
})

test('a contract greets on gateways only, and where it is the first', async () => {
  const { get } = await listener([claimed], { unit: serviceUnit })
  expect((await get('/')).statusCode).toBe(404)
  expect((await (await listener([first, claimed])).get('/')).body).not.toContain('Good day')
})

test('what only services call is on no gateway, and on the service’s own listener', async () => {
  const token = { authorization: `Bearer ${'s'.repeat(32)}` }
  for (const [served, url] of [
    [[first], '/calls'],
    [[first, claimed], '/calls'],
    [[claimed], '/claimed/calls'],
  ] as const) {
    const { get } = await listener(served)
    expect((await get(url, token)).statusCode, url).toBe(404)
    const document = (await get(`/openapi/${served[0].name}.json`)).json()
    expect(Object.keys(document.paths)).not.toContain(url)
  }
  const { get } = await listener([first], { unit: serviceUnit })
  expect((await get('/calls', token)).body).toBe('first')
  expect((await get('/calls')).statusCode).toBe(401)
})

test('our own processes reach every route below the internal prefix of the default host', async () => {
  const token = 's'.repeat(32)
  const { get } = await listener([first, claimed], { internal: { token, routes: () => undefined } })
  const internal = { 'x-internal-token': token }
  const below = '/internal/contracts/claimed'
  for (const url of ['/claimed', '/common']) expect((await get(below + url, internal)).body, url).toBe('claimed')
  expect((await get(`${below}/claimed`)).statusCode).toBe(404)
  // The token of who forwards is not the one of who asks.
  expect((await get(`${below}/claimed/calls`, internal)).statusCode).toBe(401)
  const service = { ...internal, authorization: `Bearer ${token}` }
  expect((await get(`${below}/claimed/calls`, service)).body).toBe('claimed')
})

test('a contract’s host is as a listener of its own, without what our own processes say', async () => {
  const token = 'i'.repeat(32)
  const { app } = await listener([first, claimed], { internal: { token, routes: () => undefined } })
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  const ask = async (host: string, path: string, headers: Record<string, string> = {}) => {
    const { statusCode, body } = await request(`${base}${path}`, { headers: { ...headers, host } })
    return { status: statusCode, text: await body.text() }
  }
  expect(await ask('claimed.test', '/')).toMatchObject({ status: 200, text: 'Good day!' })
  expect(await ask('claimed.test', '/claimed')).toMatchObject({ status: 200, text: 'claimed' })
  expect(await ask('claimed.test', '/claimed/health')).toMatchObject({ text: '{"by":"claimed","of":"gateway"}' })
  expect(JSON.parse((await ask('claimed.test', '/first')).text)).toEqual(notFound('claimed'))
  expect(JSON.parse((await ask('127.0.0.1', '/claimed')).text)).toEqual(notFound('first'))
  const headers = { 'x-internal-token': token }
  const inside = '/internal/contracts/claimed/claimed'
  expect((await ask('claimed.test', inside, headers)).status).toBe(404)
  expect((await ask('127.0.0.1', inside, headers)).status).toBe(200)
})
