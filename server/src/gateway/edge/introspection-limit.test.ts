import type { FastifyReply } from 'fastify'
import { expect, test } from 'vitest'
import type { Limits } from '../../contracts/_kit/limits.ts'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import { introspectWithin } from './introspection-limit.ts'
import { createLimiter } from './limiter.ts'

const minute = (points: number) => ({ points, seconds: 60 })
const limits: Limits = {
  credentials: minute(1),
  mail: minute(1),
  write: minute(1),
  read: minute(5),
  metrics: minute(1),
}
const route = { limit: 'read', method: 'GET', url: '/' } as const
const about = (ipPrefix: string) => ({ contract: { name: 'asking', limits }, route, who: `refused:${ipPrefix}` })
const reply = { header: () => reply } as unknown as FastifyReply
const good = async () => ({ uid: 'somebody' }) as AccessClaims
const bad = () => Promise.reject(refuseAtEdge('edge.invalid_token'))

function questions() {
  const limiter = createLimiter({ scale: 1 })
  return (ipPrefix: string, judge: () => Promise<AccessClaims>) =>
    introspectWithin(limiter, about(ipPrefix), reply, judge)
}
const codeOf = (attempt: Promise<unknown>) => attempt.then(() => 'good').catch((error) => error.code)

test('good tokens are asked about without end, refused ones as often as the limit says', async () => {
  const ask = questions()
  for (let turn = 0; turn < 20; turn += 1) await ask('192.0.2.1', good)
  for (let turn = 0; turn < 5; turn += 1) expect(await codeOf(ask('192.0.2.1', bad))).toBe('edge.invalid_token')
  let asked = false
  const judge = () => {
    asked = true
    return bad()
  }
  expect(await codeOf(ask('192.0.2.1', judge))).toBe('edge.rate_limited')
  expect(asked).toBe(false)
  expect(await codeOf(ask('192.0.2.2', good))).toBe('good')
})
