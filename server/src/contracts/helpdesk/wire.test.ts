import { expect, test } from 'vitest'
import { expiryHeaders } from './expiry.ts'
import { displayNameOf } from './fields.ts'
import { lifetimeText } from './wire.ts'

test('a lifetime is told as JWT_EXPIRES_IN has it', () => {
  const texts = { 86400: '24h', 604800: '168h', 3600: '1h', 900: '15m', 5400: '90m', 90: '90s', 1: '1s' }
  for (const [seconds, text] of Object.entries(texts)) expect(lifetimeText(Number(seconds))).toBe(text)
})

test('a token with less than five minutes left carries a warning', () => {
  const now = 1_000_000
  expect(expiryHeaders({ exp: now + 300 }, now)).toEqual({})
  expect(expiryHeaders({ exp: now + 299 }, now)).toEqual({
    'x-token-expires-soon': 'true',
    'x-token-expires-in': '299',
  })
  expect(expiryHeaders({ exp: now - 20 }, now)).toEqual({ 'x-token-expires-soon': 'true', 'x-token-expires-in': '0' })
})

test('names are joined with single spaces and without control characters; none is none', () => {
  expect(displayNameOf(['Ada', 'Lovelace'])).toBe('Ada Lovelace')
  expect(displayNameOf([' Ada\u0007 ', undefined])).toBe('Ada')
  expect(displayNameOf([null, 'de\tla\n Cruz'])).toBe('de la Cruz')
  for (const none of [[], [undefined, null], [' ', '\n']]) expect(displayNameOf(none)).toBeUndefined()
})
