import { createPublicKey } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { LRUCache } from 'lru-cache'
import { type Clock, seconds } from '../clock.ts'
import { refuseAtEdge } from '../errors.ts'
import type { KeySource } from './key-source.ts'
import type { RevocationList, TokenReference } from './revocation-list.ts'

/** The claims every access token has; a contract's own stand beside them. */
export interface AccessClaims extends TokenReference {
  readonly tid: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly [claim: string]: unknown
}

export interface TokenVerifier {
  /**
   * The claims of a good token of this audience. Refuses with `edge.invalid_token`, or with `edge.unavailable` when it cannot
   * be told whether the token was revoked.
   */
  verify(token: string): Promise<AccessClaims>
  /** The same without a wait, for a token that was verified before; undefined when there is something to wait for. */
  verifySeen(token: string): AccessClaims | undefined
}

/** No token of ours comes near it; a longer one is refused before anything is computed. */
export const longestToken = 4_096
const cachedTokens = 10_000
const tokenEnd = 40
/** How far two machines' clocks may be apart. */
const leewaySeconds = 30

/** How a token's signature is checked, and by which key: undefined for the shared secret. */
interface Signature {
  kid: string | undefined
  /** The token's claims; throws when the signature is wrong. */
  check(token: string): unknown
}

interface Seen {
  token: string
  claims: AccessClaims
  kid: string | undefined
}

/**
 * Checks tokens locally: signature (remembered for tokens seen before), dates, audience; then the revocation list, on
 * every call. The algorithm is pinned: HS256 with the audience's own secret when it has one, else ES256. A token whose key
 * was withdrawn is refused as soon as the key source knows: at once where identity is in this process, else within 5 minutes.
 */
export function createTokenVerifier(options: {
  /** The realm's name, which each of its tokens has among its audiences. */
  audience: string
  secret: string | undefined
  keys: KeySource
  revocations: RevocationList
  /** Asks identity whether the token still stands: used when the list cannot tell. */
  introspect: (reference: TokenReference) => Promise<boolean>
  clock: Clock
}): TokenVerifier {
  const { audience, secret, keys, revocations, introspect, clock } = options
  // Found by the token's end, which differs from token to token and is quicker to hash than the whole; then compared whole.
  const seen = new LRUCache<string, Seen>({ max: cachedTokens })
  const findSeen = (token: string): AccessClaims | undefined => {
    const found = seen.get(token.slice(-tokenEnd))
    if (found?.token !== token) return undefined
    // What a key has signed is worth no more than the key.
    return found.kid === undefined || keys.has(found.kid) ? found.claims : undefined
  }
  const byKid = new LRUCache<string, Signature>({ max: 20 })

  const rules = { ignoreExpiration: true, cache: false } as const
  const shared: Signature | undefined =
    secret === undefined
      ? undefined
      : { kid: undefined, check: createVerifier({ ...rules, key: secret, algorithms: ['HS256'] }) }

  const signatureOf = async (token: string): Promise<Signature> => {
    if (shared) return shared
    const kid = kidOf(token)
    const known = byKid.get(kid)
    if (known && keys.has(kid)) return known
    const jwk = await keys.find(kid)
    if (!jwk) throw refuseAtEdge('edge.invalid_token')
    const key = createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString()
    const signature = { kid, check: createVerifier({ ...rules, key, algorithms: ['ES256'] }) }
    byKid.set(kid, signature)
    return signature
  }

  const checkSignature = async (token: string): Promise<AccessClaims> => {
    if (token.length > longestToken) throw refuseAtEdge('edge.invalid_token')
    const { kid, check } = await signatureOf(token)
    let claims: unknown
    try {
      claims = check(token)
    } catch {
      throw refuseAtEdge('edge.invalid_token')
    }
    if (!isAccessClaims(claims) || !isFor(audience, claims)) throw refuseAtEdge('edge.invalid_token')
    seen.set(token.slice(-tokenEnd), { token, claims, kid })
    return claims
  }

  /** What can change between two uses of a token whose signature is known. */
  const judge = (claims: AccessClaims): 'live' | 'unknown' => {
    const now = seconds(clock)
    if (claims.exp + leewaySeconds <= now || claims.iat - leewaySeconds > now) throw refuseAtEdge('edge.invalid_token')
    const state = revocations.check(claims, audience)
    if (state === 'revoked') throw refuseAtEdge('edge.invalid_token')
    return state
  }

  return {
    verifySeen(token) {
      const claims = findSeen(token)
      return claims && judge(claims) === 'live' ? claims : undefined
    },
    async verify(token) {
      const claims = findSeen(token) ?? (await checkSignature(token))
      if (judge(claims) === 'unknown' && !(await introspect(claims))) throw refuseAtEdge('edge.invalid_token')
      return claims
    },
  }
}

function kidOf(token: string): string {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString())
    if (typeof header === 'object' && header !== null && 'kid' in header && typeof header.kid === 'string') {
      return header.kid
    }
  } catch {
    // Not a token at all: refused like one without a key.
  }
  throw refuseAtEdge('edge.invalid_token')
}

/** A token names the contracts it is for; one that names none is for nobody. */
const isFor = (audience: string, { aud }: AccessClaims): boolean =>
  Array.isArray(aud) ? aud.includes(audience) : aud === audience

/** True for what has the claims of every access token. */
export function isAccessClaims(claims: unknown): claims is AccessClaims {
  if (typeof claims !== 'object' || claims === null) return false
  const { sid, uid, ver, jti, iat, exp } = claims as Record<string, unknown>
  return (
    [sid, uid, jti].every((claim) => typeof claim === 'string') &&
    [ver, iat, exp].every((claim) => typeof claim === 'number')
  )
}
