import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Clock } from '../../platform/clock.ts'
import type { Redis } from '../../platform/redis/connection.ts'
import { redisFallback } from '../../platform/redis/fallback.ts'

/**
 * Callers that a process counts itself. A caller is forgotten when its window is over, or earlier when so many others came
 * after it: names can be invented faster than windows end, and memory must not grow with them.
 */
const mostCallers = 200_000

/** What was used of a window, with what is left of its time. */
export interface Use {
  points: number
  msLeft: number
}
/** Counts by key. A window begins with the first of its uses. */
export interface Counting {
  /** Adds one. */
  add(key: string, seconds: number): Promise<Use> | Use
  look(key: string): Promise<Use> | Use
  /** Takes one back, of a window that still runs. */
  giveBack(key: string, seconds: number): Promise<void> | void
}
const unused: Use = { points: 0, msLeft: 0 }

/** Counts in this process alone. */
export function countInMemory(clock: Clock): Counting {
  const windows = new LRUCache<string, { points: number; endsAt: number }>({ max: mostCallers })
  return {
    add(key, seconds) {
      const now = clock.now()
      let window = windows.get(key)
      if (!window || window.endsAt <= now) {
        window = { points: 0, endsAt: now + seconds * 1_000 }
        windows.set(key, window)
      }
      window.points += 1
      return { points: window.points, msLeft: window.endsAt - now }
    },
    look(key) {
      const window = windows.get(key)
      const msLeft = window ? window.endsAt - clock.now() : 0
      return window && msLeft > 0 ? { points: window.points, msLeft } : unused
    },
    giveBack(key) {
      const window = windows.get(key)
      if (window && window.points > 0) window.points -= 1
    },
  }
}

/**
 * Counts in Redis, and in memory while it is away. The library's own insurance would not do: it asks a Redis that hangs at every
 * request, and its store in memory cannot be bounded.
 */
export function countInRedis(redis: Redis, clock: Clock): Counting {
  const inMemory = countInMemory(clock)
  const limiter = new RateLimiterRedis({
    storeClient: redis.client,
    keyPrefix: 'guichet:limit',
    // It counts only; the window comes with each call, and above its points nothing is refused here.
    points: Number.MAX_SAFE_INTEGER,
    duration: 60,
    rejectIfRedisNotReady: true,
  })
  const ask = redisFallback(redis, clock)
  const useOf = (found: RateLimiterRes | null): Use =>
    found ? { points: found.consumedPoints, msLeft: found.msBeforeNext } : unused
  // A digest: an address of a person does not stand in Redis.
  const digestOf = (key: string) => hash('sha256', key, 'base64url')
  return {
    add: (key, seconds) =>
      ask(
        async () => useOf(await limiter.consume(digestOf(key), 1, { customDuration: seconds })),
        () => inMemory.add(key, seconds),
      ),
    look: (key) =>
      ask(
        async () => useOf(await limiter.get(digestOf(key))),
        () => inMemory.look(key),
      ),
    giveBack: (key, seconds) =>
      ask(
        // Of a window that is over since, it begins one with a point more: it ends as any other.
        async () => void (await limiter.reward(digestOf(key), 1, { customDuration: seconds })),
        async () => inMemory.giveBack(key, seconds),
      ),
  }
}
