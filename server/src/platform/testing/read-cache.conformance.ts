import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ReadCache } from '../read-cache.ts'

/** What the suite keeps in a cache. */
export type Cached = { number: number; at: Date }

/** For caches that keep texts: brings the dates back. */
export const reviveCached = (value: unknown): Cached => {
  const { number, at } = value as { number: number; at: string }
  return { number, at: new Date(at) }
}

/** What every cache must do, as its readers and writers see it. The cache begins empty, and what it works on is there. */
export function readCacheConformance(name: string, makeCache: () => ReadCache<Cached>): void {
  describe(`read cache: ${name}`, () => {
    let cache: ReadCache<Cached>
    let loads: number
    beforeEach(() => {
      cache = makeCache()
      loads = 0
    })
    afterEach(() => cache.close())

    const load = async () => {
      loads += 1
      return numbered(loads)
    }
    const read = (part = 'page 1', key = 'key') => cache.get(key, part, load)

    test('a value is loaded once, and is then what it was', async () => {
      expect(await read()).toEqual(numbered(1))
      expect(await read()).toEqual(numbered(1))
      expect(await read('page 2')).toEqual(numbered(2))
      expect(await read('page 1', 'other')).toEqual(numbered(3))
      expect(loads).toBe(3)
    })

    test('readers that come at the same time share one load', async () => {
      expect(await Promise.all([read(), read(), read()])).toEqual([numbered(1), numbered(1), numbered(1)])
      expect(loads).toBe(1)
    })

    test('a drop forgets every part of its key, and nothing of the others', async () => {
      await read('page 1')
      await read('page 2')
      await read('page 1', 'other')
      await cache.drop('key')
      expect(await read('page 1')).toEqual(numbered(4))
      expect(await read('page 2')).toEqual(numbered(5))
      expect(await read('page 1', 'other')).toEqual(numbered(3))
    })

    test('a load that began before the drop is neither joined after it nor kept', async () => {
      const slow = slowLoad()
      const before = cache.get('key', 'page 1', slow.load)
      await slow.began
      await cache.drop('key')
      expect(await read()).toEqual(numbered(1))
      slow.finish(numbered(-1))
      expect(await before).toEqual(numbered(-1))
      expect(await read()).toEqual(numbered(1))
    })

    test('nor is it kept when nobody read between the drop and its end', async () => {
      const slow = slowLoad()
      const before = cache.get('key', 'page 1', slow.load)
      await slow.began
      await cache.drop('key')
      slow.finish(numbered(-1))
      expect(await before).toEqual(numbered(-1))
      expect(await read()).toEqual(numbered(1))
    })

    test('a failed load fails all who wait for it, and is not kept', async () => {
      const slow = slowLoad()
      const both = Promise.allSettled([cache.get('key', 'page 1', slow.load), read()])
      await slow.began
      slow.fail(new Error('away'))
      expect(await both).toMatchObject([
        { status: 'rejected', reason: { message: 'away' } },
        { status: 'rejected', reason: { message: 'away' } },
      ])
      expect(await read()).toEqual(numbered(1))
    })
  })
}

const numbered = (number: number): Cached => ({ number, at: new Date(number * 1_000) })

/** A load that says when it began, and ends when the test says so. */
export function slowLoad<Value = Cached>() {
  const began = Promise.withResolvers<void>()
  const loaded = Promise.withResolvers<Value>()
  return {
    began: began.promise,
    load: () => {
      began.resolve()
      return loaded.promise
    },
    finish: loaded.resolve,
    fail: loaded.reject,
  }
}
