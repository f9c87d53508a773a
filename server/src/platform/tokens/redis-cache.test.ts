import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redisStartTimeout, startRedis, type TestRedis } from '../../../tests/support/redis.ts'
import { poll } from '../db/poll.ts'
import { newId } from '../ids.ts'
import { silentLogger } from '../log.ts'
import { openRedis, type Redis } from '../redis/connection.ts'
import { someClaims, tokenCacheConformance } from '../testing/token-cache.conformance.ts'
import { redisTokenCache } from './redis-cache.ts'

const prefix = 'some-service:token:'
const key = Buffer.alloc(32, 7)
let server: TestRedis
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = await openRedis({ url: server.url, log: silentLogger() })
}, redisStartTimeout)
afterAll(async () => {
  await redis?.close()
  await server?.stop()
})

const open = (options: { key?: Buffer } = {}) => redisTokenCache({ redis, prefix, key, ...options })

tokenCacheConformance('Redis', open)

describe('in Redis', () => {
  test('another instance finds what one kept, under the prefix and for its seconds', async () => {
    const hash = newId()
    const claims = someClaims()
    await open().keep(hash, claims, 5)
    expect(await open().find(hash)).toEqual(claims)
    expect(await redis.client.ttl(prefix + hash)).toBeGreaterThan(3)
    expect(await redis.client.ttl(prefix + hash)).toBeLessThanOrEqual(5)
  })

  test('a value that we did not write is a miss', async () => {
    const cache = open()
    const [good, forged] = [newId(), newId()]
    const claims = someClaims()
    await cache.keep(good, claims, 60)
    const value = (await redis.client.get(prefix + good)) ?? ''
    const json = JSON.stringify(someClaims({ role: 'admin' }))
    const values = {
      'the value of another token': value,
      'changed claims': value.replace('"ver":1', '"ver":9'),
      'claims without a seal': json,
      'claims behind an empty seal': `.${json}`,
      'a seal alone': value.slice(0, value.indexOf('.')),
      'no JSON': 'x.y',
      nothing: '',
    }
    for (const [name, one] of Object.entries(values)) {
      await redis.client.set(prefix + forged, one, 'EX', 60)
      expect(await cache.find(forged), name).toBeUndefined()
    }
    await open({ key: Buffer.alloc(32, 8) }).keep(forged, someClaims(), 60)
    expect(await cache.find(forged), 'sealed with another key').toBeUndefined()
    expect(await cache.find(good)).toEqual(claims)
  })

  test('a value of another shape or kind is a miss', async () => {
    const cache = open()
    const hash = newId()
    await cache.keep(hash, { ...someClaims(), exp: 'soon' as unknown as number }, 60)
    expect(await redis.client.exists(prefix + hash)).toBe(1)
    expect(await cache.find(hash)).toBeUndefined()
    await redis.client.unlink(prefix + hash)
    await redis.client.lpush(prefix + hash, 'x')
    expect(await cache.find(hash)).toBeUndefined()
  })

  test('while it hangs all is a miss, and after the first nobody waits; then it is asked again', async () => {
    const cache = open()
    const hash = newId()
    const claims = someClaims()
    await cache.keep(hash, claims, 60)
    server.freeze()
    try {
      expect(await cache.find(hash)).toBeUndefined()
      const began = performance.now()
      expect(await cache.find(hash)).toBeUndefined()
      await cache.keep(newId(), someClaims(), 60)
      await cache.drop(hash)
      expect(performance.now() - began).toBeLessThan(100)
    } finally {
      server.thaw()
    }
    expect(await poll(() => cache.find(hash), { withinMs: 10_000 })).toEqual(claims)
  })
})

test('while Redis is gone nothing fails and nothing is found', async () => {
  const gone = await startRedis()
  const lost = await openRedis({ url: gone.url, log: silentLogger() })
  const cache = redisTokenCache({ redis: lost, prefix, key })
  try {
    await cache.keep('a', someClaims(), 60)
    await gone.stop()
    expect(await cache.find('a')).toBeUndefined()
    await cache.keep('a', someClaims(), 60)
    await cache.drop('a')
  } finally {
    await lost.close()
  }
})
