import { expect, test } from 'vitest'
import { nearest, suggestion } from './nearest.ts'

const names = ['email', 'username', 'dry-run', 'GUICHET_SECRET', 'role']

test.each([
  ['emial', 'email'],
  ['Email', 'email'],
  ['usrname', 'username'],
  ['user_name', 'username'],
  ['dryrun', 'dry-run'],
  ['GUICHET_SECRTE', 'GUICHET_SECRET'],
  ['rol', 'role'],
])('"%s" is near "%s"', (text, name) => {
  expect(nearest(text, names)[0]).toBe(name)
  expect(suggestion(text, names)).toBe(` Did you mean "${name}"?`)
})

test.each(['', 'x', 'password', 'GUICHET_APP_URL', 'roof'])('"%s" is near none', (text) => {
  expect(nearest(text, names)).toEqual([])
  expect(suggestion(text, names)).toBe('')
})

test('the nearest comes first, and of two alike the first', () => {
  expect(nearest('keys', ['key', 'keys'])).toEqual(['keys', 'key'])
  expect(nearest('kex', ['key', 'ken'])).toEqual(['key', 'ken'])
  expect(suggestion('kex', ['key', 'ken', 'kem'], 2)).toBe(' Did you mean "key" or "ken"?')
})
