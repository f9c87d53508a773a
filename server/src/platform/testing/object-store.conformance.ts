import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ObjectStore } from '../storage/object-store.ts'

export interface OpenedStore {
  store: ObjectStore
  /** Another opening of the same place, as another process has it. */
  again: () => ObjectStore
  /** Makes the place answer nothing useful any more. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

const newKey = () => randomBytes(16).toString('hex')
const jpeg = 'image/jpeg'

/** What every store must do, as those who keep things in it see it. */
export function objectStoreConformance(name: string, open: () => Promise<OpenedStore>): void {
  describe(`object store: ${name}`, () => {
    let opened: OpenedStore
    let store: ObjectStore
    beforeAll(async () => {
      opened = await open()
      store = opened.store
    })
    afterAll(() => opened.close())

    test.each([0, 1, 20_000, 1_048_576])('%i bytes come back as they were, also to another process', async (size) => {
      const key = newKey()
      const bytes = randomBytes(size)
      await store.put(key, bytes, jpeg)
      const other = opened.again()
      for (const one of [store, other]) {
        const kept = await one.get(key)
        expect(kept).toBeInstanceOf(Uint8Array)
        expect(Buffer.from(kept!).equals(bytes)).toBe(true)
      }
      await other.close()
    })

    test('there is nothing under a key that nothing was put under', async () => {
      expect(await store.get(newKey())).toBeUndefined()
      await store.remove(newKey())
      await store.ping()
    })

    test('what is removed is gone, once or twice', async () => {
      const [key, other] = [newKey(), newKey()]
      await store.put(key, randomBytes(10), jpeg)
      await store.put(other, randomBytes(10), jpeg)
      await store.remove(key)
      await store.remove(key)
      expect(await store.get(key)).toBeUndefined()
      expect(await store.get(other)).toHaveLength(10)
    })

    test('what is put again replaces what was there', async () => {
      const key = newKey()
      await store.put(key, randomBytes(100), jpeg)
      const bytes = randomBytes(50)
      await store.put(key, bytes, jpeg)
      expect(Buffer.from((await store.get(key))!).equals(bytes)).toBe(true)
    })

    test('of several that put and read at once, everybody finds one of them whole', async () => {
      const key = newKey()
      const versions = Array.from({ length: 8 }, (_, index) => Buffer.alloc(100_000, index))
      await store.put(key, versions[0]!, jpeg)
      const reads = versions.flatMap(() => [store.get(key), store.get(key)])
      await Promise.all(versions.map((bytes) => store.put(key, bytes, jpeg)))
      for (const kept of [...(await Promise.all(reads)), await store.get(key)]) {
        expect(versions.some((bytes) => bytes.equals(kept!))).toBe(true)
      }
    })

    test.each([
      '',
      '../../../etc/passwd',
      'a/b',
      'ABCDEF0123456789ABCDEF0123456789',
      'abc',
      '0'.repeat(65),
      `${newKey()}\0`,
    ])('%j is no key', async (key) => {
      await expect(store.put(key, randomBytes(1), jpeg)).rejects.toThrow(TypeError)
      await expect(store.get(key)).rejects.toThrow(TypeError)
      await expect(store.remove(key)).rejects.toThrow(TypeError)
    })

    test('a place that is away is refused in time, and is there again when it is back', async () => {
      const key = newKey()
      await store.put(key, randomBytes(10), jpeg)
      await opened.goAway()
      const start = performance.now()
      const unavailable = { code: 'edge.unavailable' }
      await expect(store.put(newKey(), randomBytes(10), jpeg)).rejects.toMatchObject(unavailable)
      await expect(store.get(key)).rejects.toMatchObject(unavailable)
      await expect(store.remove(key)).rejects.toMatchObject(unavailable)
      await expect(store.ping()).rejects.toMatchObject(unavailable)
      expect(performance.now() - start).toBeLessThan(5_000)
      await opened.comeBack()
      expect(await store.get(key)).toHaveLength(10)
      await store.ping()
    })
  })
}
