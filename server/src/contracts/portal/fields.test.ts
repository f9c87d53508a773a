import { describe, expect, test } from 'vitest'
import { DomainError } from '../../platform/errors.ts'
import { acceptFields, newPassword, readFields } from './fields.ts'

test('what is given is kept without the spaces around it, an address in lower case', () => {
  const body = { name: '  Ada Lovelace ', email: ' Ada@Example.ORG ', role: 'merchant', password: 'x' }
  expect(readFields(body)).toEqual({ name: 'Ada Lovelace', email: 'ada@example.org', role: 'merchant', problems: [] })
})

test('absent and null are no fault unless the field is wanted; everything wrong is told at once', () => {
  for (const body of [{}, { name: null, email: null, role: null }]) {
    expect(readFields(body)).toMatchObject({ name: undefined, email: undefined, role: undefined, problems: [] })
    expect(readFields(body, 'name', 'email', 'role').problems).toEqual([
      'identity.name_invalid',
      'identity.email_invalid',
      'identity.unknown_role',
    ])
  }
})

describe('what is there has to be acceptable', () => {
  const strange = [5, true, [], {}, { $ne: null }, '', ' ', '\u0000']

  test.each([...strange, 'x'.repeat(101), 'a\nb', 'a\u0000b'])('as a name: %j', (name) => {
    expect(readFields({ name }).problems).toEqual(['identity.name_invalid'])
  })
  test.each(['x', '🦊'.repeat(100), "D'Arcy <b>", 'Éloïse'])('a name: %j', (name) => {
    expect(readFields({ name })).toMatchObject({ name, problems: [] })
  })

  test.each([
    ...strange,
    'nobody',
    'a@b',
    'a@b.',
    '@example.org',
    'a@-b.org',
    'a b@example.org',
    'a@b.org\u0000',
    `${'x'.repeat(65)}@b.org`,
    `a@${'x'.repeat(64)}.org`,
    `a@${'b.'.repeat(126)}org`,
  ])('as an address: %j', (email) => {
    expect(readFields({ email }).problems).toEqual(['identity.email_invalid'])
  })
  test.each(['a@b.org', 'a.b+c@d-e.example', "o'neil@example.org", 'a@xn--bcher-kva.xn--p1ai'])(
    'an address: %j',
    (email) => {
      expect(readFields({ email })).toMatchObject({ email, problems: [] })
    },
  )

  test.each([...strange, 'root', 'ADMIN', ['admin'], 'constructor'])('as a role: %j', (role) => {
    expect(readFields({ role }).problems).toEqual(['identity.unknown_role'])
  })
})

test('a lone half of a surrogate pair becomes the replacement character', () => {
  expect(readFields({ name: 'A\ud800' }).name).toBe('A\ufffd')
})

test('a refusal names the first problem and lists all of them', () => {
  const refused = () => acceptFields({ name: 5, email: 'x' })
  expect(refused).toThrow(DomainError)
  expect(refused).toThrow('identity.name_invalid')
  expect(acceptFields({ name: 'Ada' }, 'name')).toEqual({ name: 'Ada', email: undefined, role: undefined })
})

test('a password that is no text is not the same as none', () => {
  expect([newPassword({}), newPassword({ password: null })]).toEqual([undefined, undefined])
  expect([newPassword({ password: 5 }), newPassword({ password: 'x' })]).toEqual(['', 'x'])
})
