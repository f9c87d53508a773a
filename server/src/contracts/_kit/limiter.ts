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
  const counters = new Map<string, RateLimiterMemory>()
  const counterOf = (contract: Contract, limit: LimitClass) => {
    const key = `${contract.name}:${limit}`
    let counter = counters.get(key)
    if (!counter) {
      const points = Math.max(1, Math.round(contract.limits[limit] * scale))
      counter = new RateLimiterMemory({ keyPrefix: key, points, duration: windowSeconds })
      counters.set(key, counter)
    }
    return counter
  }
  return {
    async count(contract, limit, who, reply) {
      const counter = counterOf(contract, limit)
      try {
        const { remainingPoints, msBeforeNext } = await counter.consume(who.slice(0, 300))
        // draft-ietf-httpapi-ratelimit-headers
        reply.header('ratelimit-policy', `"${limit}";q=${counter.points};w=${windowSeconds}`)
        reply.header('ratelimit', `"${limit}";r=${remainingPoints};t=${Math.ceil(msBeforeNext / 1000)}`)
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        const retryAfterSeconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1000))
        reply.header('ratelimit-policy', `"${limit}";q=${counter.points};w=${windowSeconds}`)
        reply.header('ratelimit', `"${limit}";r=0;t=${retryAfterSeconds}`)
        throw refuseAtEdge('edge.rate_limited', { retryAfterSeconds })
      }
    },
  }
}
