import { expect, test } from 'vitest'
import { momentOf } from './activities.ts'

const start = 'T00:00:00.000Z'
const end = 'T23:59:59.999Z'
const isoOf = (text: string, ofDay: typeof start | typeof end) => momentOf(text, ofDay)?.toISOString()

test('a day is meant from its first moment, or up to its last', () => {
  expect(isoOf('2026-11-21', start)).toBe('2026-11-21T00:00:00.000Z')
  expect(isoOf('2026-11-21', end)).toBe('2026-11-21T23:59:59.999Z')
  expect(momentOf('', start)).toBeUndefined()
  expect(momentOf(undefined, end)).toBeUndefined()
})

test('a time without a zone is in UTC', () => {
  expect(isoOf('2026-11-21T10:30', end)).toBe('2026-11-21T10:30:00.000Z')
  expect(isoOf('2026-11-21T10:30:15.5Z', end)).toBe('2026-11-21T10:30:15.500Z')
  expect(isoOf('2026-11-21T10:30:00+01:00', start)).toBe('2026-11-21T09:30:00.000Z')
})

test('what no calendar has is no moment', () => {
  for (const text of ['2026-02-30', '2026-13-01', '2026-04-31T10:00:00Z', '2026-11-21T25:00:00Z', '2026-00-10']) {
    expect(momentOf(text, start)?.getTime(), text).toBeNaN()
  }
})
