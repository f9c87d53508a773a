import { describe, expect, test } from 'vitest'
import { accountOf, verificationOf } from './auth-service-answers.ts'

const user = { id: 'u-1', email: 'lea@example.org', role: 'user' }
const end = '2026-12-01T10:00:00.000Z'
const exp = Date.parse(end) / 1000

describe('an answer about a token', () => {
  test.each([
    ['the guide', { success: true, user: { userId: 'u-1', email: user.email, role: 'user' } }, {}],
    ['the guide’s diagram', { valid: true, user }, {}],
    [
      'the reference',
      {
        success: true,
        data: { user: { userId: 'u-1', email: user.email, role: 'user' }, valid: true, token: { expiresAt: end } },
      },
      { expiresAt: new Date(end) },
    ],
    [
      'both at once, with claims',
      {
        success: true,
        valid: true,
        user: { ...user, userId: 'u-1' },
        data: { user, valid: true, tokenData: { sid: 's', exp }, token: { valid: true, expiresAt: end } },
      },
      { claims: { sid: 's', exp }, expiresAt: new Date(end) },
    ],
    [
      'claims alone, which say when it ends',
      { success: true, data: { user, tokenData: { exp } } },
      { claims: { exp }, expiresAt: new Date(end) },
    ],
  ])('in the form of %s', (_name, body, more) => {
    expect(verificationOf(body)).toEqual({ kind: 'valid', user, claims: {}, expiresAt: undefined, ...more })
  })

  test.each([
    { success: false, error: 'x' },
    { success: true, valid: false, user },
    { success: true, user, data: { valid: false } },
  ])('%j is a refusal', (body) => {
    expect(verificationOf(body)).toEqual({ kind: 'invalid' })
  })

  test.each([
    null,
    'yes',
    [],
    {},
    { user },
    { success: 'true', user },
    { success: true },
    { success: true, user: { email: user.email, role: 'user' } },
    { success: true, user: { ...user, id: '' } },
    { success: true, user: { ...user, id: 7 } },
    { success: true, user: { id: 'u-1' } },
    { success: true, user, data: { token: { expiresAt: 'soon' } } },
  ])('%j cannot be read', (body) => {
    expect(() => verificationOf(body)).toThrow(expect.objectContaining({ name: 'UnreadableAnswer' }))
  })
})

describe('an account', () => {
  const createdAt = '2026-01-02T03:04:05.000Z'
  const account = {
    ...user,
    isActive: true,
    emailVerified: false,
    createdAt: new Date(createdAt),
    lastLogin: null,
  }

  test.each([
    ['the contract', { ...user, isActive: true, emailVerified: false, createdAt, lastLogin: null }],
    ['raw columns', { ...user, is_active: true, email_verified: false, created_at: createdAt, last_login: null }],
    ['an id by its other name', { ...user, id: undefined, userId: 'u-1', isActive: true, createdAt }],
  ])('in the form of %s', (_name, data) => {
    expect(accountOf({ success: true, data })).toEqual(account)
  })

  test('with its last login, and without an address', () => {
    const data = { ...user, email: null, isActive: true, createdAt, last_login: end }
    expect(accountOf({ data })).toEqual({ ...account, email: null, lastLogin: new Date(end) })
  })

  test('of which it is not said that it is active is not', () => {
    expect(accountOf({ data: { ...user, createdAt } }).isActive).toBe(false)
  })

  test.each([{}, { data: user }, { data: { ...user, createdAt: 'x' } }, { data: { createdAt } }])(
    '%j cannot be read',
    (body) => {
      expect(() => accountOf(body)).toThrow(expect.objectContaining({ name: 'UnreadableAnswer' }))
    },
  )
})
