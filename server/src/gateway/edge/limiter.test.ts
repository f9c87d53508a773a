import type { FastifyReply } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redisStartTimeout, startRedis, type TestRedis } from '../../../tests/support/redis.ts'
import type { Limits } from '../../contracts/_kit/limits.ts'
import type { Clock } from '../../platform/clock.ts'
import { poll } from '../../platform/db/poll.ts'
import { DomainError } from '../../platform/errors.ts'
import { silentLogger } from '../../platform/log.ts'
import { openRedis, type Redis } from '../../platform/redis/connection.ts'
import { type Counted, createLimiter, type Limiter, type LimiterOptions } from './limiter.ts'

const limits: Limits = {
  credentials: { points: 3, seconds: 60 },
  mail: { points: 2, seconds: 60 },
  write: { points: 4, seconds: 60 },
  read: { points: 2, seconds: 1 },
  metrics: { points: 1, seconds: 60 },
}
const login = { limit: 'credentials', method: 'POST', url: '/login' } as const
const register = { limit: 'credentials', method: 'POST', url: '/register' } as const

let unknownDevices = 0
const stranger = () => {
  unknownDevices += 1
  return `address:192.0.2.${unknownDevices}`
}
const one = (change: Partial<Counted> = {}): Counted => ({
  contract: { name: 'one', limits },
  route: login,
  who: stranger(),
  ...change,
})

/** Counts once; gives what the limiter refused with, and the headers it set. */
async function tried(limiter: Limiter, counted: Counted) {
  const headers: Record<string, unknown> = {}
  const reply = {
    header(name: string, value: unknown) {
      headers[name] = value
      return reply
    },
  }
  try {
    await limiter.count(counted, reply as unknown as FastifyReply)
    return { headers, refused: undefined }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { headers, refused: error }
  }
}

/** How many of `times` requests pass. */
async function passed(limiter: Limiter, counted: Counted, times: number): Promise<number> {
  const all = await Promise.all(Array.from({ length: times }, () => tried(limiter, counted)))
  return all.filter(({ refused }) => refused === undefined).length
}

function conforms(make: (options?: Partial<LimiterOptions>) => Limiter): void {
  test('refuses above the limit, and says in headers how much is left', async () => {
    const limiter = make()
    const counted = one()
    const left = []
    for (let index = 0; index < 3; index += 1) left.push((await tried(limiter, counted)).headers.ratelimit)
    expect(left).toEqual([2, 1, 0].map((rest) => `"credentials";r=${rest};t=60`))
    const { refused, headers } = await tried(limiter, counted)
    expect(refused).toMatchObject({ code: 'edge.rate_limited', details: { retryAfterSeconds: 60 } })
    expect(headers).toEqual({
      'ratelimit-policy': '"credentials";q=3;w=60',
      ratelimit: '"credentials";r=0;t=60',
      'ratelimit-limit': '3',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '60',
    })
  })

  test('a looser count of the same request does not hide the tighter one', async () => {
    const limiter = make()
    const counted = one()
    const { headers } = await tried(limiter, counted)
    expect(headers).toMatchObject({ ratelimit: '"credentials";r=2;t=60' })
    expect((await tried(limiter, { ...counted, who: 'name:ada', times: 10 })).headers).toEqual({})
  })

  test('lets exactly as many through as allowed when all come at once', async () => {
    expect(await passed(make(), one(), 50)).toBe(3)
  })

  test('several windows hold together, and what a short one refuses does not use up a long one', async () => {
    const limiter = make()
    const windows = [
      { points: 5, seconds: 60 },
      { points: 3, seconds: 20 },
    ] as const
    const counted = one({ contract: { name: 'windows', limits: { ...limits, credentials: windows } } })
    expect((await tried(limiter, counted)).headers).toEqual({
      'ratelimit-policy': '"credentials-20s";q=3;w=20, "credentials-60s";q=5;w=60',
      ratelimit: '"credentials-20s";r=2;t=20',
    })
    expect(await passed(limiter, counted, 10)).toBe(2)
    // The long one, in which only what the short one let through was counted.
    const wide = [windows[0], { points: 100, seconds: 10 }] as const
    const later = { ...counted, contract: { name: 'windows', limits: { ...limits, credentials: wide } } }
    expect(await passed(limiter, later, 10)).toBe(2)
  })

  test('a look says when nothing is left, and counts nothing', async () => {
    const limiter = make()
    const counted = one()
    for (let look = 0; look < 10; look += 1) await limiter.check(counted)
    expect(await passed(limiter, counted, 2)).toBe(2)
    await limiter.check(counted)
    expect(await passed(limiter, counted, 1)).toBe(1)
    await expect(limiter.check(counted)).rejects.toMatchObject({
      code: 'edge.rate_limited',
      details: { retryAfterSeconds: 60 },
    })
    await limiter.check(one())
  })

  test('what is given back can be used again, in every window', async () => {
    const limiter = make()
    const windows = [
      { points: 3, seconds: 20 },
      { points: 4, seconds: 60 },
    ] as const
    const counted = one({ contract: { name: 'given', limits: { ...limits, credentials: windows } } })
    for (let round = 0; round < 3; round += 1) {
      expect(await passed(limiter, counted, 3)).toBe(3)
      for (let back = 0; back < 3; back += 1) await limiter.giveBack(counted)
    }
    expect(await passed(limiter, counted, 10)).toBe(3)
  })

  test('a class without a limit of its own has that of another', async () => {
    const who = stranger()
    const upload = { limit: 'upload', method: 'POST', url: '/file' } as const
    expect(await passed(make(), one({ who, route: upload }), 10)).toBe(4)
    const own = { name: 'one', limits: { ...limits, upload: { points: 1, seconds: 60 } } }
    expect(await passed(make(), one({ contract: own, route: upload }), 10)).toBe(1)
  })

  test('counts callers and contracts apart', async () => {
    const limiter = make()
    const counted = one()
    expect(await passed(limiter, counted, 5)).toBe(3)
    expect(await passed(limiter, { ...counted, who: stranger() }, 5)).toBe(3)
    expect(await passed(limiter, { ...counted, contract: { name: 'another', limits } }, 5)).toBe(3)
  })

  test('counts each route of the classes credentials, mail and metrics by itself, by method too', async () => {
    const limiter = make()
    const who = stranger()
    expect(await passed(limiter, one({ who }), 5)).toBe(3)
    expect(await passed(limiter, one({ who, route: register }), 5)).toBe(3)
    for (const [limit, points] of [
      ['mail', 2],
      ['metrics', 1],
    ] as const) {
      expect(await passed(limiter, one({ who, route: { limit, method: 'GET', url: '/a' } }), 5)).toBe(points)
      expect(await passed(limiter, one({ who, route: { limit, method: 'POST', url: '/a' } }), 5)).toBe(points)
    }
  })

  test('counts all routes of the classes read and write together', async () => {
    const limiter = make()
    const who = stranger()
    expect(await passed(limiter, one({ who, route: { limit: 'write', method: 'POST', url: '/a' } }), 3)).toBe(3)
    expect(await passed(limiter, one({ who, route: { limit: 'write', method: 'PUT', url: '/b' } }), 3)).toBe(1)
    expect(await passed(limiter, one({ who, route: { limit: 'read', method: 'GET', url: '/a' } }), 3)).toBe(2)
  })

  test('begins anew when the window is over', async () => {
    const limiter = make()
    const counted = one({ route: { limit: 'read', method: 'GET', url: '/a' } })
    expect(await passed(limiter, counted, 5)).toBe(2)
    const again = await poll(async () => ((await tried(limiter, counted)).refused ? undefined : true), {
      withinMs: 5_000,
    })
    expect(again).toBe(true)
  })

  test('multiplies by the scale, and leaves an unlimited contract alone', async () => {
    expect(await passed(make({ scale: 2 }), one(), 10)).toBe(6)
    expect(await passed(make({ scale: 0.01 }), one(), 10)).toBe(1)
    const limiter = make({ unlimited: ['one'] })
    expect((await tried(limiter, one())).headers).toEqual({})
    expect(await passed(limiter, one(), 100)).toBe(100)
    expect(await passed(limiter, one({ contract: { name: 'another', limits } }), 10)).toBe(3)
  })
}

describe('in memory', () => {
  conforms((options) => createLimiter({ scale: 1, ...options }))

  test('the window begins with the first request of a caller', async () => {
    let now = 1_000_000
    const clock: Clock = { now: () => now }
    const limiter = createLimiter({ scale: 1, clock })
    const counted = one()
    expect(await passed(limiter, counted, 3)).toBe(3)
    now += 59_001
    expect((await tried(limiter, counted)).refused?.details).toEqual({ retryAfterSeconds: 1 })
    await expect(limiter.check(counted)).rejects.toMatchObject({ code: 'edge.rate_limited' })
    now += 999
    await limiter.check(counted)
    expect(await passed(limiter, counted, 5)).toBe(3)
  })

  test('invented names push out the oldest callers and no more', async () => {
    const limiter = createLimiter({ scale: 1 })
    const counted = one()
    expect(await passed(limiter, counted, 5)).toBe(3)
    for (let index = 0; index < 200_000; index += 1) await tried(limiter, { ...counted, who: `name:${index}` })
    expect(await passed(limiter, counted, 5), 'forgotten: nothing is kept beyond the bound').toBe(3)
    expect((await tried(limiter, { ...counted, who: 'name:199999' })).headers.ratelimit).toMatch(/r=1;/)
  })
})

describe('in Redis', () => {
  let server: TestRedis
  let redis: Redis
  const make = (options?: Partial<LimiterOptions>) => createLimiter({ scale: 1, redis, ...options })

  beforeAll(async () => {
    server = await startRedis()
    redis = await openRedis({ url: server.url, log: silentLogger() })
  }, redisStartTimeout)
  afterAll(async () => {
    await redis?.close()
    await server?.stop()
  })

  conforms(make)

  test('processes count together', async () => {
    const counted = one()
    expect(await passed(make(), counted, 2)).toBe(2)
    expect(await passed(make(), counted, 5)).toBe(1)
  })

  test('every key ends by itself and tells nothing about the caller', async () => {
    await tried(make(), one({ who: 'name:somebody@example.org' }))
    const keys = await redis.client.keys('*')
    expect(keys.length).toBeGreaterThan(0)
    expect(keys.filter((key) => !key.startsWith('guichet:limit:') || key.includes('somebody'))).toEqual([])
    for (const key of keys) {
      expect(await redis.client.ttl(key)).toBeGreaterThanOrEqual(0)
      expect(await redis.client.ttl(key)).toBeLessThanOrEqual(60)
    }
  })

  test('while Redis hangs, requests are limited without waiting long for it', async () => {
    const limiter = make()
    const counted = one()
    server.freeze()
    const startedAt = Date.now()
    try {
      expect(await passed(limiter, counted, 20)).toBe(3)
      for (let index = 0; index < 20; index += 1)
        expect((await tried(limiter, counted)).refused).toMatchObject({ code: 'edge.rate_limited' })
      expect(Date.now() - startedAt).toBeLessThan(3_000)
    } finally {
      server.thaw()
    }
    expect(
      await poll(
        async () =>
          redis.ping().then(
            () => true,
            () => undefined,
          ),
        { withinMs: 10_000 },
      ),
    ).toBe(true)
  })

  test('while Redis is away requests are limited and none fails; when it is back it counts again', async () => {
    const limiter = make()
    await server.stop()
    const counted = one()
    expect(await passed(limiter, counted, 20)).toBe(3)
    expect(await passed(limiter, counted, 20)).toBe(0)

    server = await startRedis({ port: server.port })
    // A name of its own each time: it is Redis that counts once its keys appear there.
    const back = await poll(
      async () => {
        await tried(limiter, one())
        return redis.client.dbsize().then(
          (size) => size > 0 || undefined,
          () => undefined,
        )
      },
      { withinMs: 15_000 },
    )
    expect(back).toBe(true)
    expect(await passed(limiter, one(), 20)).toBe(3)
  })
})
