import { expect, test } from 'vitest'
import { someClaims, tokenCacheConformance } from '../testing/token-cache.conformance.ts'
import { layeredTokenCache, memoryTokenCache } from './token-cache.ts'

tokenCacheConformance('memory', () => memoryTokenCache())
tokenCacheConformance('memory before another', () => layeredTokenCache(memoryTokenCache(), memoryTokenCache()))

test('what another process keeps is found, and then known here without a wait', async () => {
  const shared = memoryTokenCache()
  const [here, there] = [layeredTokenCache(memoryTokenCache(), shared), layeredTokenCache(memoryTokenCache(), shared)]
  await there.keep('hash', someClaims({ role: 'agent' }), 5)
  expect(here.findNow('hash')).toBeUndefined()
  expect(await here.find('hash')).toMatchObject({ role: 'agent' })
  expect(here.findNow('hash')).toMatchObject({ role: 'agent' })
})

test('the memory cache needs no wait, and holds so many tokens and no more', async () => {
  const cache = memoryTokenCache({ capacity: 2 })
  for (const hash of ['a', 'b']) await cache.keep(hash, someClaims({ hash }), 60)
  expect(cache.findNow('a')).toMatchObject({ hash: 'a' })
  await cache.keep('c', someClaims({ hash: 'c' }), 60)
  expect(cache.findNow('b')).toBeUndefined()
  expect(cache.findNow('a')).toMatchObject({ hash: 'a' })
  expect(cache.findNow('c')).toMatchObject({ hash: 'c' })
})
