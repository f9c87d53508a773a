import type { FastifyReply } from 'fastify'
import { DomainError } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { Counted, Limiter } from './limiter.ts'

/**
 * For contracts that ask another process about tokens: whoever invents tokens must not keep it from answering about others. Nothing
 * is asked any more for an IP prefix of whose tokens as many were refused as its limit has requests.
 */
export async function introspectWithin(
  limiter: Limiter,
  about: Counted,
  reply: FastifyReply,
  ask: () => Promise<AccessClaims>,
): Promise<AccessClaims> {
  await limiter.check(about)
  try {
    return await ask()
  } catch (error) {
    if (isInvalidToken(error)) await limiter.count(about, reply)
    throw error
  }
}

export const isInvalidToken = (error: unknown): boolean =>
  error instanceof DomainError && error.code === 'edge.invalid_token'
