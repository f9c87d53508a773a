import { expect, test } from 'vitest'
import type { ServerNotices } from './db/notices.ts'
import { createReadCache } from './read-cache.ts'
import { localNotices } from './testing/local-notices.ts'
import { readCacheConformance } from './testing/read-cache.conformance.ts'

const noticesThat = (connected: boolean): ServerNotices => ({ ...localNotices(), connected: () => connected })

readCacheConformance('memory', () => createReadCache({ name: 'test', notices: noticesThat(true), max: 10 }))

test('nothing is kept while notices cannot reach this process', async () => {
  const cache = createReadCache<number>({ name: 'test', notices: noticesThat(false), max: 10 })
  let loads = 0
  const read = () => cache.get('key', 'page 1', async () => (loads += 1))
  expect(await read()).toBe(1)
  expect(await read()).toBe(2)
  cache.close()
})
