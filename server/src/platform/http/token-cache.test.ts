import { expect, test } from 'vitest'
import { someClaims, tokenCacheConformance } from '../testing/token-cache.conformance.ts'
import { memoryTokenCache } from './token-cache.ts'

tokenCacheConformance('memory', () => memoryTokenCache())

test('the memory cache needs no wait, and holds so many tokens and no more', async () => {
  const cache = memoryTokenCache({ capacity: 2 })
  for (const hash of ['a', 'b']) await cache.keep(hash, someClaims({ hash }), 60)
  expect(cache.findNow('a')).toMatchObject({ hash: 'a' })
  await cache.keep('c', someClaims(), 60)
  expect(cache.findNow('b')).toBeUndefined()
  expect(cache.findNow('a')).toBeDefined()
  expect(cache.findNow('c')).toBeDefined()
})
