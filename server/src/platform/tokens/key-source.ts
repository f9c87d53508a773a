import type { JsonWebKey } from 'node:crypto'
import type { Clock } from '../clock.ts'

/** A JWK Set (RFC 7517). */
export interface JwkSet {
  keys: readonly JsonWebKey[]
}

/** Where a verifier has its public keys from. */
export interface KeySource {
  /** The public key of that id, read again when it is new; undefined when nobody has it. */
  find(kid: string): Promise<JsonWebKey | undefined>
  /** Whether that key is still in the set, told without a wait; false also when only `find` can tell. */
  has(kid: string): boolean
}

/** Milliseconds between two fetches for key ids that are not known: a stranger can invent any number of them. */
const refetchPauseMs = 10_000
/** Milliseconds after which a set that is used is read again beside the use, and after which it is not used any more. */
const freshMs = 4 * 60_000
const longestAgeMs = 5 * 60_000

const byKid = ({ keys }: JwkSet) =>
  new Map(keys.flatMap((key) => (typeof key.kid === 'string' ? [[key.kid, key] as const] : [])))

/** The keys of a set that this process has itself: a key that is withdrawn is gone at once. */
export function localKeySource(jwks: () => JwkSet): KeySource {
  let set = jwks()
  let known = byKid(set)
  const present = () => {
    const now = jwks()
    if (now !== set) {
      set = now
      known = byKid(now)
    }
    return known
  }
  return {
    has: (kid) => present().has(kid),
    find: async (kid) => present().get(kid),
  }
}

/**
 * The keys of a set that is fetched: when a token names a key not seen before, and again while it is used. A key that is
 * withdrawn is trusted for 5 minutes at most; when the set cannot be read by then, `find` rejects as the fetch does.
 */
export function jwksKeySource(fetchJwks: () => Promise<JwkSet>, clock: Clock): KeySource {
  let known = new Map<string, JsonWebKey>()
  let readAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let missedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  const read = async () => {
    // The answer is as old as the question, at worst.
    const askedAt = clock.now()
    triedAt = askedAt
    known = byKid(await fetchJwks())
    readAt = askedAt
  }
  const readOnce = (): Promise<void> => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
  const readBeside = () => void readOnce().catch(() => undefined)
  // Before the first token comes, since identity may be away when it does; should this fail, that token fetches.
  readBeside()

  return {
    has(kid) {
      const now = clock.now()
      if (now - readAt >= freshMs && now - triedAt >= refetchPauseMs) readBeside()
      return now - readAt < longestAgeMs && known.has(kid)
    },
    async find(kid) {
      // A failed fetch is not remembered: the next token tries again, and this one is answered as unavailable.
      const outdated = clock.now() - readAt >= longestAgeMs
      if (outdated) await readOnce()
      const key = known.get(kid)
      if (key || outdated || clock.now() - missedAt < refetchPauseMs) return key
      await readOnce()
      missedAt = clock.now()
      return known.get(kid)
    },
  }
}
