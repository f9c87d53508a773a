import { expect, test } from 'vitest'
import { localNotices } from '../../tests/support/local-notices.ts'
import type { ServerNotices } from './db/notices/index.ts'
import { createReadCache } from './read-cache.ts'
import { readCacheConformance } from './testing/read-cache.conformance.ts'

const noticesThat = (connected: boolean): ServerNotices => ({ ...localNotices(), connected: () => connected })

readCacheConformance('memory', () => createReadCache({ name: 'test', notices: noticesThat(true), max: 10 }))

test('what was loaded as undefined is remembered too', async () => {
  const cache = createReadCache<undefined>({ name: 'test', notices: noticesThat(true), max: 10 })
  let loads = 0
  const read = () =>
    cache.get('key', 'none', async () => {
      loads += 1
      return undefined
    })
  expect([await read(), await read(), loads]).toEqual([undefined, undefined, 1])
  cache.close()
})

test('where a notice may have been missed, everything is read again', async () => {
  const notices = noticesThat(true)
  const cache = createReadCache<number>({ name: 'test', notices, max: 10 })
  let loads = 0
  const read = (key: string) => cache.get(key, 'page 1', async () => (loads += 1))
  expect([await read('one'), await read('other'), await read('one')]).toEqual([1, 2, 1])
  await notices.announce('read_cache_test')
  expect([await read('one'), await read('other')]).toEqual([3, 4])
  cache.close()
})

test('a key has a bounded number of parts; further ones are read each time', async () => {
  const cache = createReadCache<number>({ name: 'test', notices: noticesThat(true), max: 10 })
  let loads = 0
  const parts = Array.from({ length: 100 }, (_, index) => `${index}`)
  const readAll = async () => {
    for (const part of parts) await cache.get('key', part, async () => (loads += 1))
    return loads
  }
  expect(await readAll()).toBe(100)
  expect(await readAll()).toBe(180)
  cache.close()
})

test('nothing is kept while notices cannot reach this process', async () => {
  const cache = createReadCache<number>({ name: 'test', notices: noticesThat(false), max: 10 })
  let loads = 0
  const read = () => cache.get('key', 'page 1', async () => (loads += 1))
  expect(await read()).toBe(1)
  expect(await read()).toBe(2)
  cache.close()
})
