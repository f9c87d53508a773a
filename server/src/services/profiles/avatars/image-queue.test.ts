import { expect, test } from 'vitest'
import { createImageQueue } from './image-queue.ts'

const busy = { code: 'profiles.busy' }

/** Work that ends when the test says so. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let begun = false
  const work = () => {
    begun = true
    return promise
  }
  return { work, begun: () => begun, finish: () => resolve('done'), fail: () => reject(new Error('failed')) }
}

test('some are worked on, some wait, the next is refused at once', async () => {
  const queue = createImageQueue({ atOnce: 2, capacity: 1, waitMs: 10_000 })
  const works = [held(), held(), held()]
  const runs = works.map(({ work }) => queue.run(work))
  await expect(queue.run(held().work)).rejects.toMatchObject(busy)
  expect(works.map(({ begun }) => begun())).toEqual([true, true, false])
  works[1]!.finish()
  expect(await runs[1]).toBe('done')
  await expect.poll(works[2]!.begun).toBe(true)
  works[0]!.finish()
  works[2]!.finish()
  expect(await Promise.all(runs)).toEqual(['done', 'done', 'done'])
})

test('a failure gives its place to the next', async () => {
  const queue = createImageQueue({ atOnce: 1, capacity: 1, waitMs: 10_000 })
  const [first, second] = [held(), held()]
  const runs = [queue.run(first.work), queue.run(second.work)]
  first.fail()
  await expect(runs[0]).rejects.toThrow('failed')
  second.finish()
  expect(await runs[1]).toBe('done')
  expect(await queue.run(async () => 'again')).toBe('again')
})

test('whoever waits too long is refused and is not worked on later', async () => {
  const queue = createImageQueue({ atOnce: 1, capacity: 2, waitMs: 50 })
  const [first, late] = [held(), held()]
  const run = queue.run(first.work)
  await expect(queue.run(late.work)).rejects.toMatchObject(busy)
  first.finish()
  expect(await run).toBe('done')
  expect(await queue.run(async () => 'next')).toBe('next')
  expect(late.begun()).toBe(false)
})
