import { LRUCache } from 'lru-cache'
import { type Clock, systemClock } from '../clock.ts'
import type { AccessClaims } from './verifier.ts'

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

/** Seconds that memory keeps what it has from the other cache. */
const borrowedSeconds = 1

/** A cache of this process before one that it shares with others: what is known here needs no wait. */
export const layeredTokenCache = (near: TokenCache, shared: TokenCache): TokenCache => ({
  findNow: near.findNow,
  async find(hash) {
    const known = near.findNow(hash)
    if (known) return known
    const found = await shared.find(hash)
    if (found) await near.keep(hash, found, borrowedSeconds)
    return found
  },
  async keep(hash, claims, seconds) {
    await Promise.all([near.keep(hash, claims, seconds), shared.keep(hash, claims, seconds)])
  },
  async drop(hash) {
    await Promise.all([near.drop(hash), shared.drop(hash)])
  },
})
