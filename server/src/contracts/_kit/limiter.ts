import type { FastifyReply } from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { Contract, LimitClass } from './contract.ts'

/** Counts requests per contract, class and caller, and refuses those above the limit with `edge.rate_limited`. */
export interface Limiter {
  count(contract: Contract, limit: LimitClass, who: string, reply: FastifyReply): Promise<void>
}

const windowSeconds = 60

/**
 * @param scale multiplies every limit: for load tests in development
 */
export function createLimiter(scale: number): Limiter {
  const counters = new Map<string, Counter>()
  const counterOf = ({ name, limits }: Contract, limit: LimitClass): Counter => {
    const key = `${name}:${limit}`
    let counter = counters.get(key)
    if (!counter) {
      const points = Math.max(1, Math.round(limits[limit] * scale))
      const limiter = new RateLimiterMemory({ keyPrefix: key, points, duration: windowSeconds })
      counter = { limiter, policy: `"${limit}";q=${points};w=${windowSeconds}` }
      counters.set(key, counter)
    }
    return counter
  }
  return {
    async count(contract, limit, who, reply) {
      const { limiter, policy } = counterOf(contract, limit)
      // A refused caller is a rejection with the same figures.
      const state = await limiter.consume(who.slice(0, 300)).catch((refused: unknown) => {
        if (refused instanceof RateLimiterRes) return refused
        throw refused
      })
      const { consumedPoints, remainingPoints, msBeforeNext } = state
      const retryAfterSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
      // draft-ietf-httpapi-ratelimit-headers
      reply.header('ratelimit-policy', policy)
      reply.header('ratelimit', `"${limit}";r=${remainingPoints};t=${retryAfterSeconds}`)
      if (consumedPoints > limiter.points) throw refuseAtEdge('edge.rate_limited', { retryAfterSeconds })
    },
  }
}

interface Counter {
  limiter: RateLimiterMemory
  /** The header that states the limit. */
  policy: string
}
