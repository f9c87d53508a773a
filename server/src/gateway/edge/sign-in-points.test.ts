import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { listenerOptions, mounted, plainContract, serviceToken } from '../../../tests/support/listeners.ts'
import { type Contract, reply, route } from '../../contracts/_kit/contract.ts'
import type { LimitClass } from '../../contracts/_kit/limits.ts'
import { DomainError } from '../../platform/errors.ts'
import { createListener } from '../listener.ts'
import { openUpstream } from '../upstream.ts'
import { createLimiter } from './limiter.ts'

const Body = Type.Object({ right: Type.Boolean() }, { additionalProperties: true })

/** A route that credentials are sent to: right ones are answered with 200, others with 400. */
const taking = (url: string, more: { limit?: LimitClass; signsIn?: boolean; secondStepOf?: string } = {}) =>
  route('identity', 'POST', url, {
    summary: 'Take credentials',
    access: 'public',
    limit: 'credentials',
    body: Body,
    replies: { 200: Type.Any(), 400: Type.Any() },
    async handler(_service, { body }) {
      if (!body.right) throw new DomainError('identity.invalid_credentials')
      return reply(200, {})
    },
    ...more,
  })

const contract = plainContract(
  [
    taking('/login', { signsIn: true }),
    taking('/first'),
    taking('/second', { signsIn: true, secondStepOf: '/first' }),
    taking('/register', { signsIn: true, limit: 'register' }),
  ],
  {
    bodies: 'empty',
    limits: Object.fromEntries(
      ['credentials', 'mail', 'write', 'read', 'metrics'].map((limit) => [limit, { points: 3, seconds: 3_600 }]),
    ) as unknown as Contract['limits'],
  },
)

async function forwarding(): Promise<FastifyInstance> {
  const unit = await mounted(contract, { internal: { token: serviceToken, routes: () => undefined } })
  onTestFinished(() => unit.close())
  const url = await unit.listen({ port: 0, host: '127.0.0.1' })
  const upstream = openUpstream({ url, token: serviceToken, deadlineMs: 5_000 })
  onTestFinished(() => upstream.close())
  const limiter = createLimiter({ scale: 1 })
  return createListener(listenerOptions(contract, { upstreams: { identity: upstream }, limiter }))
}

const ways = { mounted: () => mounted(contract, { limiter: createLimiter({ scale: 1 }) }), forwarded: forwarding }

describe.each(Object.entries(ways))('%s', (_, open) => {
  let app: FastifyInstance
  beforeEach(async () => {
    app = await open()
    return () => app.close()
  })

  const post = async (url: string, json: object, remoteAddress = '192.0.2.7') => {
    const answer = await app.inject({ method: 'POST', url, payload: json, remoteAddress })
    return answer.json().code === 'edge.rate_limited' ? 'limited' : answer.statusCode
  }
  const several = async (times: number, url: string, json: object) => {
    const answers: unknown[] = []
    for (let index = 0; index < times; index += 1) answers.push(await post(url, json))
    return answers
  }
  const wrong = { right: false }
  const right = { right: true }

  test('a sign-in that succeeds gives its point back, one that fails does not', async () => {
    expect(await several(10, '/login', right)).toEqual(Array(10).fill(200))
    expect(await several(4, '/login', wrong)).toEqual([400, 400, 400, 'limited'])
    expect(await post('/login', right)).toBe('limited')
  })

  test('one of two steps gives both points back, at two addresses or at one', async () => {
    for (let person = 0; person < 10; person += 1) {
      expect(await post('/first', right)).toBe(200)
      expect(await post('/second', right)).toBe(200)
    }
    // The first step alone is no sign-in.
    expect(await several(4, '/first', right)).toEqual([200, 200, 200, 'limited'])
    for (let person = 0; person < 10; person += 1) {
      expect(await post('/login', wrong)).toBe(400)
      expect(await post('/login', { ...right, session_token: 'x', mfa_code: '123456' })).toBe(200)
    }
  })

  test('a registration costs its point, whether it signs in or not', async () => {
    expect(await several(4, '/register', right)).toEqual([200, 200, 200, 'limited'])
  })

  test('a network has ten times what one of its addresses has, for sign-ins and registrations', async () => {
    for (const [url, body] of [
      ['/login', wrong],
      ['/register', right],
    ] as const) {
      for (const net of ['192.0.2.', '2001:db8:1:']) {
        const address = (host: number) => (net.includes(':') ? `${net}${host}::1` : `${net}${host}`)
        for (let host = 1; host <= 30; host += 1) expect(await post(url, body, address(host))).not.toBe('limited')
        expect(await post(url, body, address(31))).toBe('limited')
        expect(await post(url, body, net.includes(':') ? '2001:db8:2:1::1' : '192.0.3.1')).not.toBe('limited')
      }
    }
  })
})
