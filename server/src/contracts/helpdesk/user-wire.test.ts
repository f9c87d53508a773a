import { expect, test } from 'vitest'
import type { Profile } from '../../services/profiles/index.ts'
import { paginationOf } from './pages.ts'
import { preferencesOf } from './preferences.ts'
import { avatarUrlOf, profileOf } from './user-wire.ts'

const defaults = {
  language: 'fr',
  theme: 'light',
  notifications: { email: true, browser: true, sms: false },
  timezone: 'Europe/Paris',
}

test('preferences are the defaults, overlaid with what was set', () => {
  expect(preferencesOf({})).toEqual(defaults)
  expect(preferencesOf({ theme: 'dark', notifications: { sms: true } })).toEqual({
    ...defaults,
    theme: 'dark',
    notifications: { email: true, browser: true, sms: true },
  })
  expect(preferencesOf({})).toEqual(defaults)
})

test('a profile that was never changed was changed when it was made', () => {
  const createdAt = new Date('2026-01-02T03:04:05.678Z')
  const profile = {
    accountId: 'id',
    avatarKey: null,
    preferences: {},
    createdAt,
    updatedAt: null,
  } as unknown as Profile
  expect(profileOf(profile)).toMatchObject({
    id: 'id',
    userId: 'id',
    avatarUrl: null,
    createdAt: '2026-01-02T03:04:05.678Z',
    updatedAt: '2026-01-02T03:04:05.678Z',
  })
  expect(profileOf({ ...profile, updatedAt: new Date('2026-02-03T04:05:06.789Z') }).updatedAt).toBe(
    '2026-02-03T04:05:06.789Z',
  )
})

test('the address of an avatar is relative', () => {
  const avatarKey = '0123456789abcdef0123456789abcdef'
  expect(avatarUrlOf({ avatarKey })).toBe(`/api/profile/avatars/${avatarKey}.jpg`)
})

test('pages are counted up; nothing is on none', () => {
  expect(paginationOf({}, 0)).toEqual({ page: 1, limit: 20, total: 0, pages: 0 })
  expect(paginationOf({ page: 2, limit: 5 }, 11)).toEqual({ page: 2, limit: 5, total: 11, pages: 3 })
})
