import fastify, { type FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import { contracts } from '../contracts/registry.ts'
import { createMetrics } from '../platform/http/metrics.ts'
import { answerFailure } from './edge/failures.ts'
import { metricsRoute } from './public-routes.ts'

const token = 'a token of the tests, at least 32 characters long'

function metricsApp({ development = false, metricsToken = token as string | undefined } = {}): FastifyInstance {
  const app = fastify()
  app.setErrorHandler(answerFailure(Object.values(contracts)[0]!))
  // What the route reads of the configuration.
  metricsRoute(app, createMetrics(), { development, metricsToken } as Config)
  return app
}
const statusOf = async (app: FastifyInstance, remoteAddress: string, headers: Record<string, string> = {}) =>
  (await app.inject({ url: '/metrics', remoteAddress, headers })).statusCode

const local = ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']
const foreign = ['192.0.2.7', '10.0.0.1', '::ffff:192.0.2.7', '2001:db8::1', '::1:2']

test('figures are shown to programs of the same machine', async () => {
  const app = metricsApp()
  for (const address of local) expect(await statusOf(app, address), address).toBe(200)
})

test('figures do not exist for anybody else', async () => {
  const app = metricsApp()
  for (const address of foreign) expect(await statusOf(app, address), address).toBe(404)
  const { statusCode, body } = await app.inject({ url: '/metrics', remoteAddress: '192.0.2.7' })
  expect(statusCode).toBe(404)
  expect(JSON.parse(body)).toMatchObject({ success: false, error: { code: 'NOT_FOUND' } })
})

test('figures are not shown to strangers for whom a proxy of this machine asks', async () => {
  const app = metricsApp()
  for (const header of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via']) {
    for (const said of ['192.0.2.7', '127.0.0.1', '']) {
      expect(await statusOf(app, '127.0.0.1', { [header]: said }), `${header}: ${said}`).toBe(404)
    }
  }
})

test('figures are shown to who has the token, from wherever', async () => {
  const app = metricsApp()
  const has = { authorization: `Bearer ${token}` }
  for (const address of [...local, ...foreign]) expect(await statusOf(app, address, has), address).toBe(200)
  expect(await statusOf(app, '127.0.0.1', { ...has, 'x-forwarded-for': '192.0.2.7' })).toBe(200)
  for (const authorization of [`Bearer ${token}x`, 'Bearer ', 'Bearer undefined', token.slice(1), 'Basic eDp5']) {
    expect(await statusOf(app, '192.0.2.7', { authorization }), authorization).toBe(404)
  }
})

test('without a token nobody elsewhere gets figures', async () => {
  const app = metricsApp({ metricsToken: undefined })
  for (const authorization of ['Bearer undefined', 'Bearer ', 'Bearer']) {
    expect(await statusOf(app, '192.0.2.7', { authorization }), authorization).toBe(404)
  }
  expect(await statusOf(app, '127.0.0.1')).toBe(200)
})

test('development shows figures to everybody', async () => {
  expect(await statusOf(metricsApp({ development: true }), '192.0.2.7', { via: '1.1 proxy' })).toBe(200)
})
