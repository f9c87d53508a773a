import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonText } from './json-text.ts'

test('what is short stands in one line, what is long in one for each part', () => {
  expect(jsonText({ a: 1, list: [1, 'x'], none: [], left: undefined })).toBe('{ "a": 1, "list": [1, "x"], "none": [] }')
  const long = 'x'.repeat(150)
  expect(jsonText({ a: { b: 1 }, c: [long, '{\n['] })).toBe(
    ['{', '  "a": { "b": 1 },', '  "c": [', `    "${long}",`, '    "{\\n["', '  ]', '}'].join('\n'),
  )
})

test('it is the same JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
