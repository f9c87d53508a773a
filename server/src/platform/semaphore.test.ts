import { expect, test } from 'vitest'
import { createSemaphore, type SemaphoreOptions } from './semaphore.ts'

class Busy extends Error {}
const make = (options: Partial<SemaphoreOptions> = {}) =>
  createSemaphore({ atOnce: 1, capacity: 10, busy: () => new Busy(), ...options })

/** Works that end when the test says so, with which of them began, in order. */
function works(count: number) {
  const began: number[] = []
  const all = Array.from({ length: count }, (_, index) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const work = () => {
      began.push(index)
      return promise
    }
    return { work, finish: () => resolve(index), fail: () => reject(new Error('failed')) }
  })
  return { began, all }
}

test('lets so many work at a time, and the others in the order they came', async () => {
  const semaphore = make({ atOnce: 2 })
  const { began, all } = works(5)
  const runs = all.map(({ work }) => semaphore.run(work))
  await expect.poll(() => began).toEqual([0, 1])
  expect(semaphore.waiting()).toBe(3)
  all[1]!.finish()
  expect(await runs[1]).toBe(1)
  await expect.poll(() => began).toEqual([0, 1, 2])
  all[0]!.finish()
  await runs[0]
  await expect.poll(() => began).toEqual([0, 1, 2, 3])
  expect(semaphore.waiting()).toBe(1)
  for (const { finish } of all) finish()
  expect(await Promise.all(runs)).toEqual([0, 1, 2, 3, 4])
  expect(semaphore.waiting()).toBe(0)
})

test('never lets more work than allowed, whoever comes while a place is handed on', async () => {
  const semaphore = make({ atOnce: 2, capacity: 100 })
  let working = 0
  let most = 0
  const work = async () => {
    working += 1
    most = Math.max(most, working)
    await new Promise(setImmediate)
    working -= 1
    if (Math.random() < 0.3) throw new Error('failed')
  }
  const run = () => semaphore.run(work).catch(() => undefined)
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      await run()
      await run()
    }),
  )
  expect([most, working, semaphore.waiting()]).toEqual([2, 0, 0])
})

test('refuses at once when the line is full, and takes on again what there is room for', async () => {
  const semaphore = make({ capacity: 1 })
  const { began, all } = works(4)
  const [first, second, third] = all.slice(0, 3).map(({ work }) => semaphore.run(work))
  await expect(third).rejects.toThrow(Busy)
  all[0]!.finish()
  await first
  const fourth = semaphore.run(all[3]!.work)
  for (const { finish } of all) finish()
  expect(await Promise.all([second, fourth])).toEqual([1, 3])
  expect(began).toEqual([0, 1, 3])
})

test('a work that fails, or throws at once, gives its place to the next', async () => {
  const semaphore = make()
  const { all } = works(1)
  const failing = semaphore.run(all[0]!.work)
  const throwing = semaphore.run(() => {
    throw new Error('broken')
  })
  const next = semaphore.run(async () => 'fine')
  all[0]!.fail()
  await expect(failing).rejects.toThrow('failed')
  await expect(throwing).rejects.toThrow('broken')
  expect(await next).toBe('fine')
  expect(await semaphore.run(async () => 'again')).toBe('again')
})

test('whoever waits too long is refused and never worked for, the second like the first, and leaves their place in the line', async () => {
  const semaphore = make({ capacity: 2, waitMs: 50 })
  const { began, all } = works(5)
  const [first, second, third] = all.slice(0, 3).map(({ work }) => semaphore.run(work))
  await Promise.all([expect(second).rejects.toThrow(Busy), expect(third).rejects.toThrow(Busy)])
  expect(semaphore.waiting()).toBe(0)
  // Again, behind the same work.
  await expect(semaphore.run(all[3]!.work)).rejects.toThrow(Busy)
  const last = semaphore.run(all[4]!.work)
  for (const { finish } of all) finish()
  expect(await Promise.all([first, last])).toEqual([0, 4])
  expect(began).toEqual([0, 4])
})

test('whoever got their turn in time is worked for however long it takes', async () => {
  const semaphore = make({ waitMs: 50 })
  const { all } = works(2)
  const runs = all.map(({ work }) => semaphore.run(work))
  all[0]!.finish()
  await runs[0]
  // A deadline of its own, later than the one that it was spared.
  await expect(semaphore.run(async () => 'third')).rejects.toThrow(Busy)
  all[1]!.finish()
  expect(await runs[1]).toBe(1)
})
