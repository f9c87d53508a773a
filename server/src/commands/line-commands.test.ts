import { expect, test } from 'vitest'
import { createLineIndex } from './line-index.ts'

test('every key is known by its first line, also when the table is as full as it may be', () => {
  const capacity = 5_000
  const lines = createLineIndex(capacity)
  for (let line = 1; line <= capacity; line += 1) expect(lines.seenOn(`key ${line}`, line)).toBeUndefined()
  for (let line = 1; line <= capacity; line += 1) expect(lines.seenOn(`key ${line}`, capacity + line)).toBe(line)
  expect(lines.seenOn('another', 1)).toBeUndefined()
})
