import { expect, test } from 'vitest'
import type { ServerNotices } from './db/notices.ts'
import { createReadCache } from './read-cache.ts'
import { localNotices } from './testing/local-notices.ts'

function setUp(connected = true) {
  const notices: ServerNotices = { ...localNotices(), connected: () => connected }
  let loads = 0
  const cache = createReadCache<number>({ name: 'test', notices, max: 10 })
  const read = (part = 'page 1') => cache.get('key', part, async () => (loads += 1))
  return { cache, read, notices }
}

test('a value is loaded once, also for readers that come at the same time', async () => {
  const { read } = setUp()
  expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1])
  expect(await read()).toBe(1)
  expect(await read('page 2')).toBe(2)
})

test('a drop forgets every part of its key, and nothing of the others', async () => {
  const { cache, read } = setUp()
  await read()
  const other = await cache.get('other', 'page 1', async () => 50)
  await cache.drop('key')
  expect(await read()).toBe(2)
  expect(await cache.get('other', 'page 1', async () => 51)).toBe(other)
})

test('a load that began before the drop is not kept', async () => {
  const { cache, read } = setUp()
  let finish: (value: number) => void = () => undefined
  const slow = cache.get('key', 'page 1', () => new Promise((resolve) => (finish = resolve)))
  await cache.drop('key')
  finish(-1)
  expect(await slow).toBe(-1)
  expect(await read()).toBe(1)
})

test('a failed load is not kept', async () => {
  const { cache, read } = setUp()
  await expect(cache.get('key', 'page 1', async () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(await read()).toBe(1)
})

test('nothing is kept while notices cannot reach this process', async () => {
  const { read } = setUp(false)
  expect(await read()).toBe(1)
  expect(await read()).toBe(2)
})
