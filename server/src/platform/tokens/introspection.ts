import { hash as digest } from 'node:crypto'
import { type Clock, seconds } from '../clock.ts'
import { refuseAtEdge } from '../errors.ts'
import type { TokenCache } from './cache.ts'
import type { RevocationList } from './revocation-list.ts'
import { type AccessClaims, longestToken, type TokenVerifier } from './verifier.ts'

/** What vouches for tokens in another process. */
export interface Introspector {
  /** The claims of a good token, undefined for any other. Refuses with `edge.identity_unavailable` when it does not answer. */
  ask(token: string): Promise<AccessClaims | undefined>
  close(): Promise<void>
}

/** How long an answer is kept, if its token lives that long. */
const keptSeconds = 5
/** Milliseconds for which a question that is under way answers others too: what it says may be as old as the question. */
const sharedMs = 1_000
/** A signed token: three parts in base64url (RFC 7515, 7.1). */
const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Checks tokens by asking their authority. A good answer is kept for seconds, under a hash of the token, and every use of it is
 * judged anew: by the token's end and by the revocation list; it counts only while that list is followed, so that nothing is
 * believed when the authority is gone. A negative answer is not kept: the authority itself may hear of a new session a moment late.
 */
export function createIntrospectingVerifier(options: {
  authority: Introspector
  cache: TokenCache
  revocations: Pick<RevocationList, 'check' | 'following'>
  realm: string
  clock: Clock
}): TokenVerifier {
  const { authority, cache, revocations, realm, clock } = options
  const questions = new Map<string, { since: number; answer: Promise<AccessClaims | undefined> }>()

  const isRevoked = (claims: AccessClaims) => revocations.check(claims, realm) === 'revoked'
  const stillCounts = (claims: AccessClaims) =>
    claims.exp > seconds(clock) && revocations.following() && revocations.check(claims, realm) === 'live'

  const askAndKeep = async (hash: string, token: string) => {
    const claims = await authority.ask(token)
    const kept = claims ? Math.min(keptSeconds, claims.exp - seconds(clock)) : 0
    // Whoever asked does not wait for the cache.
    if (claims && kept >= 1) void cache.keep(hash, claims, Math.floor(kept))
    return claims
  }
  const ask = (hash: string, token: string) => {
    const since = clock.now()
    const underWay = questions.get(hash)
    if (underWay && since - underWay.since <= sharedMs) return underWay.answer
    const question = { since, answer: askAndKeep(hash, token) }
    questions.set(hash, question)
    const forget = () => {
      if (questions.get(hash) === question) questions.delete(hash)
    }
    question.answer.then(forget, forget)
    return question.answer
  }

  return {
    verifySeen(token) {
      const hash = hashOf(token)
      const claims = hash === undefined ? undefined : cache.findNow(hash)
      return claims && stillCounts(claims) ? claims : undefined
    },
    async verify(token) {
      const hash = hashOf(token)
      if (hash === undefined) throw refuseAtEdge('edge.invalid_token')
      const known = revocations.following() ? await cache.find(hash) : undefined
      if (known && stillCounts(known)) return known
      const claims = known && isRevoked(known) ? undefined : await ask(hash, token)
      // What was revoked while the question was under way may be known here first.
      if (claims && !isRevoked(claims)) return claims
      if (known) void cache.drop(hash)
      throw refuseAtEdge('edge.invalid_token')
    },
  }
}

/** What a token is kept under; undefined for what cannot be one. */
const hashOf = (token: string): string | undefined =>
  token.length <= longestToken && tokenForm.test(token) ? digest('sha256', token, 'base64url') : undefined
