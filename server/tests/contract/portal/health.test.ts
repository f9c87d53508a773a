import { describe, expect, inject, test } from 'vitest'
import { deployment } from '../../../src/contracts/portal/deployment.ts'
import { expectFailure, portalClient, timeText } from './client.ts'

const arrangement = inject('arrangement')
const portal = portalClient(arrangement)

const seen = { status: 'healthy', timestamp: timeText }
const bytes = expect.any(Number)
const itself = {
  version: '1.0.0',
  uptime: expect.any(Number),
  memory: { rss: bytes, heapTotal: bytes, heapUsed: bytes },
}
const gateway = {
  ...seen,
  service: 'rncp-api-gateway',
  environment: 'development',
  services: { 'user-service': 'healthy', redis: 'healthy' },
}
const behind = (service: string) => ({
  ...seen,
  service,
  ...itself,
  dependencies: { database: 'healthy', redis: 'healthy' },
})

test('P-01 P-05 the gateway is on port 3001 and the user service on 3002 unless told otherwise', () => {
  const ports = Object.fromEntries(deployment.units.map(({ name, port }) => [name, port]))
  expect(ports).toMatchObject({ 'rncp-api-gateway': 3001, 'rncp-user-service': 3002 })
})

test('P-04 P-19 P-34 P-35 the gateway says that it is healthy, and who it really asked', async () => {
  const answer = await portal.gateway.get('/health')
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual(gateway)
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

test('P-07 P-26 P-34 P-36 P-67 the user service says so as well, at both listeners and without a token', async () => {
  for (const [, listener] of portal.listeners) {
    for (const how of [{}, { token: 'x.y.z' }]) {
      const answer = await listener.get('/users/health', how)
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual(behind('user-service'))
    }
    expect((await listener.get('/auth/health')).body).toEqual(behind('auth-service'))
  }
})

test('P-34 in detail each also tells where it runs, since when, and what it holds', async () => {
  expect((await portal.gateway.get('/health/detailed')).body).toEqual({ ...gateway, ...itself })
})

test('P-60 fifty health checks at once are all answered', async () => {
  for (const path of ['/health', '/users/health']) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => portal.gateway.get(path)))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
  }
})

if (!arrangement.hosts.portal)
  describe('on listeners of its own', () => {
    test('P-34 the user service tells of itself in detail; the health of the gateway is the gateway’s', async () => {
      const detailed = await portal.users.get('/health/detailed')
      expect(detailed.body).toEqual({ ...behind('user-service'), environment: 'development' })
      expectFailure(await portal.users.get('/health'), 404, 'Cannot GET /health')
    })
  })
