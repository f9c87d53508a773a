import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { redisStartTimeout, startRedis, type TestRedis } from '../../../tests/support/redis.ts'
import { newId } from '../ids.ts'
import { silentLogger } from '../log.ts'
import type { ReadCache } from '../read-cache.ts'
import { readCacheConformance, reviveCached, slowLoad } from '../testing/read-cache.conformance.ts'
import { openRedis, type Redis } from './connection.ts'
import { createRedisReadCache } from './read-cache.ts'

let server: TestRedis
/** The connection of another process, which also looks at what Redis has. */
let otherRedis: Redis

beforeAll(async () => {
  server = await startRedis()
  otherRedis = await openRedis({ url: server.url, log: silentLogger() })
}, redisStartTimeout)
afterAll(async () => {
  await otherRedis.close()
  await server.stop()
})

describe('conformance', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await openRedis({ url: server.url, log: silentLogger() })
  })
  afterAll(() => redis.close())

  readCacheConformance('redis', () => createRedisReadCache({ redis, name: newId(), seconds: 60, revive: reviveCached }))
})

/** One cache in two processes. */
async function setUp<Value = number>(
  options: { seconds?: number; url?: string; revive?: (value: unknown) => Value } = {},
) {
  const { url = server.url, ...rest } = options
  const redis = await openRedis({ url, log: silentLogger() })
  const name = newId()
  const here = createRedisReadCache<Value>({ redis, name, seconds: 60, ...rest })
  const there = createRedisReadCache<Value>({ redis: otherRedis, name, seconds: 60, ...rest })
  onTestFinished(async () => {
    here.close()
    there.close()
    await redis.close()
  })
  return { redis, here, there, place: `guichet:cache:${name}:key:part` }
}

/** What a cache stands before: a value that tests change. */
function source(value = 0) {
  const data = {
    value,
    loads: 0,
    load: async () => {
      data.loads += 1
      return data.value
    },
    read: (cache: ReadCache<number>, part = 'part', key = 'key') => cache.get(key, part, data.load),
  }
  return data
}

/** Waits until the cache gives what it remembers. Whatever it gives until then has to be what the source has. */
const remembers = (cache: ReadCache<number>, data: ReturnType<typeof source>) =>
  vi.waitUntil(
    async () => {
      expect(await data.read(cache)).toBe(data.value)
      const { loads } = data
      expect(await data.read(cache)).toBe(data.value)
      return data.loads === loads
    },
    { timeout: 15_000, interval: 10 },
  )

/** Milliseconds that it takes. */
const taken = async (work: Promise<unknown>) => {
  const start = performance.now()
  await work
  return performance.now() - start
}

describe('two processes', () => {
  test('P-63 one has what the other loaded, and a drop by either counts for both', async () => {
    const { here, there } = await setUp()
    const data = source()
    await remembers(here, data)
    expect([await data.read(there), data.loads]).toEqual([0, 1])
    for (const writer of [here, there]) {
      data.value += 1
      await writer.drop('key')
      await remembers(there, data)
      expect(await data.read(here)).toBe(data.value)
    }
    expect(data.loads).toBe(3)
  })

  test('a load that began here before a drop there is neither joined here nor shown later', async () => {
    const { here, there } = await setUp()
    const slow = slowLoad<number>()
    const before = here.get('key', 'part', slow.load)
    await slow.began
    await there.drop('key')
    expect(await here.get('key', 'part', async () => 1)).toBe(1)
    slow.finish(0)
    expect(await before).toBe(0)
    // It may push out the newer value, and is not shown itself.
    for (const cache of [here, there, here]) expect(await cache.get('key', 'part', async () => 1)).toBe(1)
  })

  test('no reader gets what was there before a write whose drop had resolved, however they race', async () => {
    const { here, there } = await setUp()
    const caches = [here, there]
    let committed = 0
    let dropped = 0
    let [reads, loads] = [0, 0]
    const load = async () => {
      loads += 1
      await pause(Math.random() * 2)
      const seen = committed
      await pause(Math.random() * 4)
      return seen
    }
    const stale: string[] = []
    const until = performance.now() + 2_000
    const reader = async (cache: ReadCache<number>) => {
      while (performance.now() < until) {
        const atLeast = dropped
        const got = await cache.get('key', 'part', load)
        reads += 1
        if (got < atLeast) stale.push(`${got} after the drop of ${atLeast}`)
        await pause(Math.random() * 2)
      }
    }
    const writer = async (cache: ReadCache<number>) => {
      while (performance.now() < until) {
        await pause(Math.random() * 30)
        committed += 1
        const written = committed
        await pause(Math.random() * 2)
        await cache.drop('key')
        dropped = Math.max(dropped, written)
      }
    }
    await Promise.all(caches.flatMap((cache) => [...Array.from({ length: 5 }, () => reader(cache)), writer(cache)]))
    expect(stale).toEqual([])
    // It was a race: there were writes, and values that were not loaded.
    expect(dropped).toBeGreaterThan(20)
    expect(loads).toBeLessThan(reads / 2)
  })
})

describe('what Redis keeps', () => {
  test('goes by itself, at a time that no later read puts off', async () => {
    const { here, place, redis } = await setUp({ seconds: 60 })
    const data = source()
    await remembers(here, data)
    expect(await redis.client.pttl(place)).toSatisfy((left: number) => left > 30_000 && left <= 60_000)
    await redis.client.pexpire(place, 20_000)
    expect([await data.read(here), data.loads]).toEqual([0, 1])
    expect(await redis.client.pttl(place)).toSatisfy((left: number) => left > 0 && left <= 20_000)
  })

  test('a drop is known for a minute, longer than any load of before it can take', async () => {
    const { here, place, redis } = await setUp()
    await here.drop('key')
    expect(await redis.client.ttl(place.replace(/:part$/, ''))).toSatisfy((left: number) => left > 30 && left <= 60)
  })

  test('a value larger than 1 MiB is read from its source each time', async () => {
    const { here, place, redis } = await setUp<string>()
    const value = 'é'.repeat(512 * 1024)
    let loads = 0
    const load = async () => {
      loads += 1
      return value
    }
    expect([await here.get('key', 'part', load), await here.get('key', 'part', load), loads]).toEqual([value, value, 2])
    expect(await redis.client.exists(place)).toBe(0)
  })

  test('a value of nearly 1 MiB is remembered', async () => {
    const { here, there } = await setUp<string>()
    const value = 'é'.repeat(512 * 1024 - 10)
    await here.get('key', 'part', async () => value)
    await vi.waitUntil(async () => (await here.get('key', 'part', async () => 'another')) === value)
    expect(await there.get('key', 'part', async () => 'another')).toBe(value)
  })

  test('a value in a shape that is not known is read from its source', async () => {
    const { here, there, place } = await setUp<string>({
      revive: (value) => {
        if (typeof value !== 'string') throw new Error('not a text')
        return value
      },
    })
    await (here as ReadCache<unknown>).get('key', 'part', async () => ({ text: 'later' }))
    await vi.waitUntil(async () => (await otherRedis.client.exists(place)) === 1)
    expect(await here.get('key', 'part', async () => 'now')).toBe('now')
    expect(await there.get('key', 'part', async () => 'now')).toBe('now')
  })
})

describe('Redis away', () => {
  test('P-11 stopped, values come from their source and drops resolve; back, they are remembered again', async () => {
    const ours = await startRedis()
    const { here } = await setUp({ url: ours.url, seconds: 2 })
    const data = source()
    await remembers(here, data)
    await ours.stop()
    for (const value of [1, 2, 3]) {
      data.value = value
      expect(await taken(here.drop('key'))).toBeLessThan(1_000)
      expect(await data.read(here)).toBe(value)
    }
    const again = await startRedis({ port: ours.port })
    onTestFinished(() => again.stop())
    await remembers(here, data)
  })

  test('a Redis that hangs is waited for once, and then costs nothing until it answers', async () => {
    const ours = await startRedis()
    onTestFinished(() => ours.stop())
    const { here } = await setUp({ url: ours.url, seconds: 2 })
    const data = source()
    await remembers(here, data)
    ours.freeze()
    const first = taken(data.read(here))
    await pause(50)
    // Behind a batch that hangs.
    const second = taken(data.read(here, 'another part'))
    const drop = taken(here.drop('key'))
    expect(Math.max(await first, await second, await drop)).toBeLessThan(800)
    data.value = 1
    // Over several tries to come back.
    const until = performance.now() + 3_500
    const waits: number[] = []
    while (performance.now() < until) {
      waits.push(await taken(data.read(here)), await taken(here.drop('key')))
      await pause(10)
    }
    expect(Math.max(...waits)).toBeLessThan(300)
    ours.thaw()
    await remembers(here, data)
  })

  test('a command that Redis refuses is a failure too', async () => {
    const { here, place, redis } = await setUp({ seconds: 1 })
    const data = source()
    const mget = redis.client.mget
    redis.client.mget = (() => Promise.reject(new Error('refused'))) as typeof mget
    expect(await data.read(here)).toBe(0)
    redis.client.mget = mget
    expect(await data.read(here, 'part', 'another key')).toBe(0)
    expect(await redis.client.exists(place.replace(/key:part$/, 'another key:part'))).toBe(0)
    await remembers(here, data)
  })

  test.each([1, 2])(
    'after %i drops that failed, a process waits until the old value is gone; others have it no longer than that',
    async (drops) => {
      const { redis, here, there, place } = await setUp({ seconds: 3 })
      const data = source()
      await remembers(here, data)
      for (let drop = 0; drop < drops; drop += 1) {
        redis.client.disconnect(true)
        data.value += 1
        await here.drop('key')
        await pause(10)
      }
      const start = performance.now()
      expect(await data.read(there)).toBe(0)
      while ((await otherRedis.client.exists(place)) === 1) {
        expect(await data.read(here)).toBe(drops)
        await pause(10)
      }
      // For longer than a failure alone keeps a process from asking.
      expect(performance.now() - start).toBeGreaterThan(1_500)
      await remembers(here, data)
      await remembers(there, data)
    },
  )
})
