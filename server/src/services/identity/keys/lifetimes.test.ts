import { expect, test } from 'vitest'
import { currentOf, nextOf, outlived, rotationDue, soonest, stateOf } from './lifetimes.ts'

const now = Date.UTC(2030, 0, 1)
const day = 24 * 3600_000
/** A key that began to sign that many milliseconds ago. */
const since = (ms: number) => ({ activatesAt: new Date(now - ms) })

test('of three keys one waits, one signs and one retires', () => {
  const keys = [since(-1), since(0), since(day)]
  expect(keys.map((key) => stateOf(key, keys, now))).toEqual(['next', 'current', 'retiring'])
  expect(currentOf(keys, now)).toBe(keys[1])
  expect(nextOf(keys, now)).toBe(keys[0])
})

test('the only key signs, though the clock that named its time is ahead', () => {
  const keys = [since(-2_000)]
  expect(currentOf(keys, now)).toBe(keys[0])
  expect(nextOf(keys, now)).toBeUndefined()
  expect(soonest(keys, now).getTime()).toBe(now + 2_001)
})

test.each([
  ['old enough', [since(90 * day)], 90, true],
  ['too young by a moment', [since(90 * day - 1)], 90, false],
  ['old, but one waits', [since(-1), since(90 * day)], 90, false],
  ['old, but never is never', [since(9_000 * day)], 0, false],
])('a rotation is due: %s', (_name, keys, days, due) => {
  expect(rotationDue(keys, days, now)).toBe(due)
})

test('a key is outlived when its successor has signed for a token’s life and five minutes', () => {
  const life = 3600
  const over = life * 1000 + 5 * 60_000
  const outlivedOf = (...keys: { activatesAt: Date }[]) => outlived(keys, life, now).map((key) => keys.indexOf(key))
  expect(outlivedOf(since(over - 1), since(day))).toEqual([])
  expect(outlivedOf(since(over), since(day))).toEqual([1])
  expect(outlivedOf(since(-1), since(day), since(2 * day))).toEqual([2])
})
