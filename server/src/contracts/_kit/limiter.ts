import { hash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { LRUCache } from 'lru-cache'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { Redis } from '../../platform/redis.ts'
import type { Contract, Limit, LimitClass, Route } from './contract.ts'

/** A request to be counted. */
export interface Counted {
  contract: Pick<Contract, 'name' | 'limits'>
  route: Pick<Route, 'limit' | 'method' | 'url' | 'aliasOf'>
  /** The address, account or name that it counts against. */
  who: string
  /** How many times the limit this one may have; once when absent. */
  times?: number
}

/** Counts requests and refuses those above the limit with `edge.rate_limited`. */
export interface Limiter {
  count(counted: Counted, reply: FastifyReply): Promise<void>
}

/** Classes that each route counts by itself; the others have one count a contract. */
const perRoute: ReadonlySet<LimitClass> = new Set(['credentials', 'mail', 'metrics'])

/**
 * Callers that a process counts itself. A caller is forgotten when its window is over, or earlier when so many others came
 * after it: names can be invented faster than windows end, and memory must not grow with them.
 */
const mostCallers = 200_000
/** Characters of a caller that count: a stranger can invent names of any length. */
const longestCaller = 300
/** Milliseconds for which Redis is not asked again after it failed. */
const restMs = 1_000

export interface LimiterOptions {
  /** Multiplies every limit: for load tests in development. */
  scale: number
  /** Contracts that nothing is counted for, in development. */
  unlimited?: readonly string[]
  /**
   * Where all processes count together. While it is away each counts by itself, from nothing: requests go on, and a caller
   * gets a further window from each process at most.
   */
  redis?: Redis | undefined
  clock?: Clock
}

/** What was used of a window, with what is left of its time. */
interface Use {
  points: number
  msLeft: number
}
type Count = (key: string, seconds: number) => Promise<Use> | Use

/** Makes the limiter of a process: fixed windows, each beginning with the caller's first request. */
export function createLimiter({ scale, unlimited = [], redis, clock = systemClock }: LimiterOptions): Limiter {
  const inMemory = countInMemory(clock)
  const count = redis ? countInRedis(redis, inMemory, clock) : inMemory
  const off = new Set(unlimited)

  // What of a count is the same for every request of a route.
  const known = new WeakMap<Counted['route'], Counter>()
  const counterOf = (contract: Counted['contract'], route: Counted['route']): Counter => {
    let counter = known.get(route)
    if (counter?.contract !== contract) {
      const { name, limits } = contract
      const { limit, method, url, aliasOf } = route
      const scope = perRoute.has(limit) ? `${limit} ${method} ${aliasOf ?? url}` : limit
      counter = { contract, scope: `${name} ${scope}`, ...limits[limit] }
      known.set(route, counter)
    }
    return counter
  }

  return {
    async count({ contract, route, who, times = 1 }, reply) {
      if (off.has(contract.name)) return
      const { limit } = route
      const { scope, points: allowed, seconds } = counterOf(contract, route)
      const points = Math.max(1, Math.round(allowed * times * scale))
      const counted = count(`${scope} ${who.slice(0, longestCaller)}`, seconds)
      const use = counted instanceof Promise ? await counted : counted
      const retryAfterSeconds = Math.max(1, Math.ceil(use.msLeft / 1_000))
      // draft-ietf-httpapi-ratelimit-headers
      reply.header('ratelimit-policy', `"${limit}";q=${points};w=${seconds}`)
      reply.header('ratelimit', `"${limit}";r=${Math.max(0, points - use.points)};t=${retryAfterSeconds}`)
      if (use.points > points) throw refuseAtEdge('edge.rate_limited', { retryAfterSeconds })
    },
  }
}

interface Counter extends Limit {
  contract: Counted['contract']
  /** What is counted together. */
  scope: string
}

function countInMemory(clock: Clock): Count {
  const windows = new LRUCache<string, { points: number; endsAt: number }>({ max: mostCallers })
  return (key, seconds) => {
    const now = clock.now()
    let window = windows.get(key)
    if (!window || window.endsAt <= now) {
      window = { points: 0, endsAt: now + seconds * 1_000 }
      windows.set(key, window)
    }
    window.points += 1
    return { points: window.points, msLeft: window.endsAt - now }
  }
}

function countInRedis({ client }: Redis, inMemory: Count, clock: Clock): Count {
  const limiter = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: 'guichet:limit',
    // It counts only; the window comes with each call, and above its points nothing is refused here.
    points: Number.MAX_SAFE_INTEGER,
    duration: 60,
    rejectIfRedisNotReady: true,
  })
  let restUntil = 0
  return async (key, seconds) => {
    if (clock.now() < restUntil) return inMemory(key, seconds)
    try {
      // A digest: an address of a person does not stand in Redis.
      const { consumedPoints, msBeforeNext } = await limiter.consume(hash('sha256', key, 'base64url'), 1, {
        customDuration: seconds,
      })
      return { points: consumedPoints, msLeft: msBeforeNext }
    } catch {
      restUntil = clock.now() + restMs
      return inMemory(key, seconds)
    }
  }
}
