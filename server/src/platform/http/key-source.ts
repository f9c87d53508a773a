import type { JsonWebKey } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { KeySource } from './token-verifier.ts'

/** Milliseconds between two fetches for key ids that are not known: a stranger can invent any number of them. */
const refetchPauseMs = 10_000

/** The keys of a JWK Set (RFC 7517) that is fetched when a token names a key not seen before. */
export function jwksKeySource(fetchJwks: () => Promise<{ keys: readonly JsonWebKey[] }>, clock: Clock): KeySource {
  let known = new Map<string, JsonWebKey>()
  let fetchedAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<void> | undefined

  const refetch = async () => {
    const { keys } = await fetchJwks()
    known = new Map(keys.flatMap((key) => (typeof key.kid === 'string' ? [[key.kid, key]] : [])))
    fetchedAt = clock.now()
  }
  const refetchOnce = (): Promise<void> => {
    fetching ??= refetch().finally(() => {
      fetching = undefined
    })
    return fetching
  }
  // Before the first token comes, since identity may be away when it does; should this fail, that token fetches.
  void refetchOnce().catch(() => undefined)

  return {
    async find(kid) {
      const key = known.get(kid)
      if (key) return key
      if (clock.now() - fetchedAt < refetchPauseMs) return undefined
      // A failed fetch is not remembered: the next token tries again, and this one is answered as unavailable.
      await refetchOnce()
      return known.get(kid)
    },
  }
}
