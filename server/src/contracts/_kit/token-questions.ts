import type { FastifyReply } from 'fastify'
import { Refusal } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/http/token-verifier.ts'
import type { Counted, Limiter } from './limiter.ts'

/**
 * For contracts that ask another process about tokens: whoever invents tokens must not keep it from answering about others. Nothing
 * is asked any more for a network of whose tokens as many were refused as its limit has requests.
 */
export async function askWithin(
  limiter: Limiter,
  about: Counted,
  reply: FastifyReply,
  ask: () => Promise<AccessClaims>,
): Promise<AccessClaims> {
  await limiter.check(about)
  try {
    return await ask()
  } catch (error) {
    if (isRefusedToken(error)) await limiter.count(about, reply)
    throw error
  }
}

export const isRefusedToken = (error: unknown): boolean =>
  error instanceof Refusal && error.code === 'edge.invalid_token'
