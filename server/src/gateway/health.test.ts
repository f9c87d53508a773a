import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { Config } from '../config/config.ts'
import type { Listening } from '../config/listeners.ts'
import type { Contract, HealthReport } from '../contracts/_kit/contract.ts'
import { healthRoutes, type Probes } from './health.ts'

const up = async () => undefined
const down = async () => {
  throw new Error('does not answer')
}

/** What a listener with these health routes reports; the contract here tells everything it hears. */
function listener(
  routes: Contract['healthRoutes'],
  { gateway = false, services = ['profiles'], probes }: Partial<Listening> & { probes: Probes },
) {
  const app = fastify()
  onTestFinished(() => app.close())
  const health = (report: HealthReport) => ({ status: report.healthy ? 200 : 503, body: report })
  healthRoutes(app, {
    contract: { healthRoutes: routes, health } as Contract,
    unit: { name: 'unit', port: 0, host: '', gateway, services },
    probes,
    own: {},
    probeRedis: undefined,
    config: { instanceId: 'unit-1', serviceName: 'users', development: false } as Config,
    serviceToken: 'token of ours',
  })
  return async (url: string, headers: Record<string, string> = {}) => {
    const answer = await app.inject({ url, headers })
    return { status: answer.statusCode, report: answer.json<HealthReport>() }
  }
}

test('readiness is told to anybody, and to a process of ours only with the token of this one', async () => {
  const ask = listener([], { probes: { profiles: up } })
  expect((await ask('/readyz')).status).toBe(200)
  expect((await ask('/readyz', { 'x-internal-token': 'token of ours' })).status).toBe(200)
  for (const token of ['another token', '']) {
    expect((await ask('/readyz', { 'x-internal-token': token })).status).toBe(401)
  }
})

test('a report names its path, and what the process calls itself', async () => {
  const ask = listener(
    [
      { url: '/health', of: 'profiles' },
      { url: '/status', of: 'profiles' },
    ],
    { probes: { profiles: up } },
  )
  for (const url of ['/health', '/status']) {
    expect((await ask(url)).report).toMatchObject({ url, of: 'profiles', serviceName: 'users', instanceId: 'unit-1' })
  }
})

test.each([
  { asks: undefined, probes: { profiles: up, identity: down }, services: { profiles: true }, status: 200 },
  {
    asks: ['identity'] as const,
    probes: { profiles: up, identity: down, orders: down },
    services: { profiles: true, identity: false },
    status: 503,
  },
  {
    asks: ['identity'] as const,
    probes: { profiles: down, identity: up },
    services: { profiles: false, identity: true },
    status: 503,
  },
  // What cannot be asked from here is not said to be down.
  { asks: ['identity'] as const, probes: { profiles: up }, services: { profiles: true }, status: 200 },
])('a health route of profiles that asks $asks tells $services', async ({ asks, probes, services, status }) => {
  const ask = listener([{ url: '/health', of: 'profiles', ...(asks && { asks }) }], { probes })
  const answer = await ask('/health')
  expect(answer.status).toBe(status)
  expect(answer.report.services).toEqual(services)
})

test('a gateway’s own health tells of every service, whatever it asks', async () => {
  const routes: Contract['healthRoutes'] = [
    { url: '/health', of: 'profiles' },
    { url: '/health', of: 'gateway', asks: ['identity'] },
    { url: '/auth/health', of: 'identity' },
  ]
  const ask = listener(routes, { gateway: true, services: [], probes: { identity: up, profiles: down, orders: up } })
  expect((await ask('/health')).report).toMatchObject({
    of: 'gateway',
    services: { identity: true, profiles: false, orders: true },
  })
  expect(await ask('/auth/health')).toMatchObject({ status: 200, report: { services: { identity: true } } })
})
