import { LRUCache } from 'lru-cache'
import { type Clock, systemClock } from '../clock.ts'
import type { AccessClaims } from './token-verifier.ts'

/** Keeps for a few seconds what tokens were found to say, by their hashes. It may forget at any time, and never fails. */
export interface TokenCache {
  /** What was kept under a hash; undefined when it is over or forgotten. */
  find(hash: string): Promise<AccessClaims | undefined>
  /** The same, as far as it is known without a wait. */
  findNow(hash: string): AccessClaims | undefined
  keep(hash: string, claims: AccessClaims, seconds: number): Promise<void>
  drop(hash: string): Promise<void>
}

/** Keeps in memory; beyond `capacity` tokens, those least used go first. */
export function memoryTokenCache(options: { capacity?: number; clock?: Clock } = {}): TokenCache {
  const { capacity = 10_000, clock = systemClock } = options
  const kept = new LRUCache<string, { claims: AccessClaims; until: number }>({ max: capacity })
  const findNow = (hash: string) => {
    const found = kept.get(hash)
    if (!found || clock.now() < found.until) return found?.claims
    kept.delete(hash)
    return undefined
  }
  return {
    find: async (hash) => findNow(hash),
    findNow,
    async keep(hash, claims, seconds) {
      kept.set(hash, { claims, until: clock.now() + seconds * 1_000 })
    },
    async drop(hash) {
      kept.delete(hash)
    },
  }
}
