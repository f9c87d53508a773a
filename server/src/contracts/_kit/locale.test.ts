import { expect, test } from 'vitest'
import { localeOf } from './locale.ts'

test.each([
  [undefined, undefined],
  ['', undefined],
  ['*', undefined],
  ['de', undefined],
  ['fr', 'fr'],
  ['FR-ca', 'fr'],
  ['en-US,en;q=0.9,fr;q=0.8', 'en'],
  ['en;q=0.7, fr', 'fr'],
  ['en;q=0.3 , fr;q=0.31', 'fr'],
  ['de, fr;q=0.1', 'fr'],
  ['fr;q=0.5,en;q=0.5', 'fr'],
  ['en;q=0.5,fr;q=0.5', 'en'],
  ['fr;q=0', undefined],
  ['fr;q=0.000, en;q=0.001', 'en'],
  ['fr;Q=1.000, en', 'fr'],
  ['frisian', undefined],
  ['fr;q=2, en;q=0.1', 'en'],
  ['fr;q=x', undefined],
  ['fr;level=1', undefined],
  [',,;q=1,fr', 'fr'],
  ['__proto__, constructor', undefined],
])('%j is %j', (header, locale) => {
  expect(localeOf(header)).toBe(locale)
})

test('a header without end is not read to its end', () => {
  expect(localeOf(`${'de,'.repeat(100)}fr`)).toBeUndefined()
})
