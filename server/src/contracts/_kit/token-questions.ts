import type { FastifyReply } from 'fastify'
import { Refusal, refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/http/token-verifier.ts'
import type { Counted, Limiter } from './limiter.ts'

/** Questions that one network may have under way. */
const mostAtOnce = 16

/**
 * For contracts that ask another process about tokens: whoever invents tokens must not keep it from answering about others. A
 * network has few questions under way at once, and none any more when as many of its tokens were refused as its limit has requests.
 */
export function createTokenQuestions() {
  const underWay = new Map<string, number>()
  return {
    async ask(
      about: Counted,
      limiter: Limiter,
      reply: FastifyReply,
      judge: () => Promise<AccessClaims>,
    ): Promise<AccessClaims> {
      const { who } = about
      const before = underWay.get(who) ?? 0
      if (before >= mostAtOnce) throw refuseAtEdge('edge.rate_limited', { retryAfterSeconds: 1 })
      underWay.set(who, before + 1)
      try {
        await limiter.check(about)
        return await judge()
      } catch (error) {
        if (isRefusedToken(error)) await limiter.count(about, reply)
        throw error
      } finally {
        const left = (underWay.get(who) ?? 1) - 1
        if (left > 0) underWay.set(who, left)
        else underWay.delete(who)
      }
    },
  }
}

export const isRefusedToken = (error: unknown): boolean =>
  error instanceof Refusal && error.code === 'edge.invalid_token'
