import type { AccessClaims } from '../../platform/tokens/verifier.ts'

/** Seconds before a token's end from which on its bearer is warned. */
const soonSeconds = 5 * 60

/**
 * The headers that tell a client to renew its token; none while there is time.
 * @param now seconds since the epoch
 */
export function expiryHeaders({ exp }: Pick<AccessClaims, 'exp'>, now: number): Readonly<Record<string, string>> {
  const left = exp - now
  if (left >= soonSeconds) return {}
  // A little below zero within the leeway that clocks are given.
  return { 'x-token-expires-soon': 'true', 'x-token-expires-in': String(Math.max(0, left)) }
}
