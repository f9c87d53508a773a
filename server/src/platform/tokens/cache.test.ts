import { expect, test } from 'vitest'
import { someClaims, tokenCacheConformance } from '../testing/token-cache.conformance.ts'
import { layeredTokenCache, memoryTokenCache } from './cache.ts'

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

test('memory keeps for its seconds, not a millisecond longer, and what it borrowed for one', async () => {
  let now = 1_000_000
  const clock = { now: () => now }
  const [near, shared] = [memoryTokenCache({ clock }), memoryTokenCache({ clock })]
  const cache = layeredTokenCache(near, shared)
  await cache.keep('own', someClaims({ hash: 'own' }), 5)
  await shared.keep('borrowed', someClaims({ hash: 'borrowed' }), 5)
  await cache.find('borrowed')
  const known = () => ['own', 'borrowed'].filter((hash) => cache.findNow(hash)?.hash === hash)
  now += 999
  expect(known()).toEqual(['own', 'borrowed'])
  now += 1
  expect(known()).toEqual(['own'])
  now += 3_999
  expect(known()).toEqual(['own'])
  now += 1
  expect(known()).toEqual([])
})
