import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as rest } from 'node:timers/promises'
import { createSigner } from 'fast-jwt'
import { seconds, systemClock } from '../src/platform/clock.ts'
import { newId } from '../src/platform/ids.ts'
import { silentLogger } from '../src/platform/log.ts'
import { localKeySource } from '../src/platform/tokens/key-source.ts'
import { createRevocationList } from '../src/platform/tokens/revocation-list.ts'
import { createTokenVerifier } from '../src/platform/tokens/verifier.ts'
import { median, type Result } from './result.ts'

const rounds = 5
const unseenTokens = 3_000
const seenTokens = 1_000
const revoked = 1_000
const lifetimeSeconds = 3_600

/** ES256 tokens and the means to verify them, beside some revocations, as a process without identity would. */
export interface TokenBench {
  /** Verifies that many tokens once each, with a verifier that has seen none; gives verifications a second. */
  unseen(): Promise<number>
  /** Verifies tokens that were seen before for that long; gives verifications a second. */
  seen(milliseconds: number): Promise<number>
  stop(): Promise<void>
}

export async function openTokenBench(): Promise<TokenBench> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = newId()
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid }] }
  const keys = localKeySource(() => jwks)
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const sign = createSigner({ algorithm: 'ES256', key: pem, kid })
  const now = seconds(systemClock)
  const makeToken = () => {
    const claims = { sid: newId(), uid: newId(), tid: newId(), ver: 1, jti: newId(), role: 'user', amr: ['pwd'] }
    return sign({ ...claims, aud: 'bench', iat: now, exp: now + lifetimeSeconds })
  }
  const tokens = Array.from({ length: unseenTokens }, makeToken)

  const revocations = createRevocationList({ clock: systemClock, log: silentLogger(), staleAfterMs: 60_000 })
  const page = Array.from({ length: revoked }, () => ({
    sessionId: newId(),
    accountId: null,
    realm: null,
    minimumVersion: null,
    until: now + lifetimeSeconds,
  }))
  await revocations.follow(
    {
      async next({ revision, waitMs, signal }) {
        await rest(waitMs, undefined, { signal })
        return { cursor: '1', revision: 1, revocations: revision === 0 ? page : [] }
      },
    },
    1_000,
  )
  const newVerifier = () =>
    createTokenVerifier({
      audience: 'bench',
      secret: undefined,
      keys,
      revocations,
      introspect: () => Promise.reject(new Error('the list can tell')),
      clock: systemClock,
    })
  const familiar = newVerifier()
  const known = tokens.slice(0, seenTokens)
  for (const token of known) await familiar.verify(token)

  return {
    async unseen() {
      const verifier = newVerifier()
      const start = performance.now()
      for (const token of tokens) await verifier.verify(token)
      return (tokens.length * 1_000) / (performance.now() - start)
    },
    async seen(milliseconds) {
      const start = performance.now()
      let done = 0
      while (performance.now() - start < milliseconds) {
        // As at the edge: without a wait where there is nothing to wait for.
        for (const token of known) if (!familiar.verifySeen(token)) await familiar.verify(token)
        done += known.length
      }
      return (done * 1_000) / (performance.now() - start)
    },
    stop: () => revocations.stop(),
  }
}

/** Token verification alone, in process, on one core: no HTTP, no database. */
export async function measureTokens(): Promise<Result[]> {
  const bench = await openTokenBench()
  const seen: number[] = []
  const unseen: number[] = []
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const [ofSeen, ofUnseen] = [await bench.seen(300), await bench.unseen()]
      // The first round warms up.
      if (round === 0) continue
      seen.push(ofSeen)
      unseen.push(ofUnseen)
    }
  } finally {
    await bench.stop()
  }
  const shown = (what: string, rates: number[]): Result => ({
    what,
    measured: `${median(rates).toFixed(0)}/s`,
    met: true,
  })
  return [
    shown('token verification in process, seen before', seen),
    shown('token verification in process, not seen before (ES256)', unseen),
  ]
}
