import { describe, expect, test } from 'vitest'
import { systemClock } from '../clock.ts'
import { poll } from '../db/poll.ts'
import { newId } from '../ids.ts'
import type { TokenCache } from '../tokens/cache.ts'
import type { AccessClaims } from '../tokens/verifier.ts'

export const someClaims = (more: object = {}): AccessClaims => ({
  sid: newId(),
  uid: newId(),
  tid: newId(),
  jti: newId(),
  ver: 1,
  iat: 1_800_000_000,
  exp: 1_800_003_600,
  ...more,
})

/** What every token cache must do. */
export function tokenCacheConformance(name: string, open: () => TokenCache): void {
  describe(`token cache: ${name}`, () => {
    test('gives back what was kept, under its hash alone', async () => {
      const cache = open()
      const claims = someClaims({ aud: ['one', 'other'], email: 'zoë@example.org', names: { last: 'D’Arc' } })
      const hash = newId()
      expect(await cache.find(hash)).toBeUndefined()
      await cache.keep(hash, claims, 5)
      expect(await cache.find(hash)).toEqual(claims)
      expect([undefined, claims]).toContainEqual(cache.findNow(hash))
      expect(await cache.find(newId())).toBeUndefined()
      expect(cache.findNow(newId())).toBeUndefined()
    })

    test('keeps what came last', async () => {
      const cache = open()
      const hash = newId()
      const later = someClaims({ role: 'later' })
      await cache.keep(hash, someClaims(), 5)
      await cache.keep(hash, later, 5)
      expect(await cache.find(hash)).toEqual(later)
    })

    test('forgets after its seconds', async () => {
      const cache = open()
      const [short, long] = [newId(), newId()]
      const keptAt = systemClock.now()
      await cache.keep(short, someClaims({ is: 'short' }), 1)
      await cache.keep(long, someClaims({ is: 'long' }), 60)
      expect(await cache.find(short)).toMatchObject({ is: 'short' })
      const gone = async () => ((await cache.find(short)) ? undefined : true)
      expect(await poll(gone, { withinMs: 3_000 })).toBe(true)
      // Redis counts in milliseconds, and is not in step with this clock.
      expect(systemClock.now() - keptAt).toBeGreaterThan(950)
      expect(cache.findNow(short)).toBeUndefined()
      expect(await cache.find(long)).toMatchObject({ is: 'long' })
    })

    test('drops one, and nothing where there is nothing', async () => {
      const cache = open()
      const [one, other] = [newId(), newId()]
      await cache.keep(one, someClaims(), 60)
      await cache.keep(other, someClaims({ is: 'other' }), 60)
      await cache.drop(one)
      await cache.drop(newId())
      expect(await cache.find(one)).toBeUndefined()
      expect(cache.findNow(one)).toBeUndefined()
      expect(await cache.find(other)).toMatchObject({ is: 'other' })
    })
  })
}
