import { expect, test } from 'vitest'
import { passwordQueue } from './password-queue.ts'

/** A hash that ends when the test says so. */
function held() {
  let finish: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  return { finish, run: () => done }
}

test('runs at most as many hashes at a time as it was told, in the order they came', async () => {
  const queue = passwordQueue(2, 10)
  const order: number[] = []
  const holds = [held(), held(), held(), held()]
  const runs = holds.map((hold, index) =>
    queue.run(async () => {
      order.push(index)
      await hold.run()
    }),
  )
  await expect.poll(() => order).toEqual([0, 1])
  expect(queue.waiting()).toBe(2)
  holds[1]!.finish()
  await runs[1]
  await expect.poll(() => order).toEqual([0, 1, 2])
  for (const hold of holds) hold.finish()
  await Promise.all(runs)
  expect(order).toEqual([0, 1, 2, 3])
  expect(queue.waiting()).toBe(0)
})

test('refuses at once when the line is full, and says when to come back', async () => {
  const queue = passwordQueue(1, 1)
  const hold = held()
  const running = queue.run(hold.run)
  const waiting = queue.run(async () => 'second')
  await expect(queue.run(async () => 'third')).rejects.toMatchObject({
    code: 'identity.busy',
    details: { retryAfterSeconds: expect.any(Number) },
  })
  hold.finish()
  await running
  await expect(waiting).resolves.toBe('second')
  await expect(queue.run(async () => 'fourth')).resolves.toBe('fourth')
})

test('a hash that fails gives its place to the next', async () => {
  const queue = passwordQueue(1, 10)
  const failing = queue.run(async () => {
    throw new Error('broken')
  })
  const next = queue.run(async () => 'fine')
  await expect(failing).rejects.toThrow('broken')
  await expect(next).resolves.toBe('fine')
})
