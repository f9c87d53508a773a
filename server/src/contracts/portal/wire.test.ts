import { expect, test } from 'vitest'
import type { AccountView } from '../../services/realm/index.ts'
import { userOfAccount } from './wire.ts'

const at = new Date('2026-11-21T09:30:00.000Z')
const account: AccountView = {
  id: '01a1ffc1-4810-73ed-9121-fb0b2a4a8c15',
  number: 7,
  tenant: { id: 't', number: 1, name: 'main' },
  username: 'ada@example.org',
  email: 'ada@example.org',
  displayName: 'Ada',
  emailVerified: false,
  secondFactor: false,
  active: true,
  role: 'merchant',
  locale: 'en',
  preferences: {},
  createdAt: at,
  updatedAt: at,
  lastLoginAt: null,
}

test.each<[string, Partial<AccountView>, string | null]>([
  ['the address that it was registered with', {}, 'ada@example.org'],
  ['that, and not another one that was never proven', { email: 'other@example.org' }, 'ada@example.org'],
  ['one that was proven', { email: 'other@example.org', emailVerified: true }, 'other@example.org'],
  ['the address of somebody with another name', { username: 'ada', email: 'other@example.org' }, 'other@example.org'],
  ['none', { username: 'ada', email: null }, null],
])('a sign-in shows what signs in: %s', (_what, more, email) => {
  expect(userOfAccount({ ...account, ...more }).email).toBe(email)
})
