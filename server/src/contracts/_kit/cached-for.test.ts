import { expect, test } from 'vitest'
import { cachedFor } from './cached-for.ts'

test('what is read is kept from its reading on, in the second round as in the first', async () => {
  let [now, reads] = [0, 0]
  const read = cachedFor(1_000, async () => (reads += 1), { now: () => now })
  for (const [at, expected] of [
    [0, 1],
    [600, 1],
    [999, 1],
    [1_001, 2],
    [2_000, 2],
    [2_002, 3],
  ] as const) {
    now = at
    expect(await Promise.all([read(), read()]), `at ${at}`).toEqual([expected, expected])
  }
  expect(reads).toBe(3)
})
