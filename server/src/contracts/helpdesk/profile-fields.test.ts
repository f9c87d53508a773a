import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import type { Profile } from '../../services/profiles/index.ts'
import { changed, ProfileBody } from './profile-fields.ts'

const fits = new Ajv({ strict: false }).compile(ProfileBody)
const profile: Profile = {
  accountId: '01900000-0000-7000-8000-000000000001',
  number: 1,
  tenant: 'main',
  username: 'ada@example.org',
  email: 'ada@example.org',
  displayName: null,
  firstName: null,
  lastName: null,
  phone: null,
  address: null,
  department: null,
  jobTitle: null,
  avatarKey: null,
  preferences: {},
  createdAt: new Date('2026-01-02T03:04:05.678Z'),
  updatedAt: null,
  role: 'user',
}

/** What the core is asked to change; undefined when it is asked nothing. */
async function changesOf(body: object): Promise<object | undefined> {
  expect(fits(body), JSON.stringify(fits.errors)).toBe(true)
  let asked: object | undefined
  await changed(body, profile, async (changes) => {
    asked = changes
    return profile
  })
  return asked
}

test('what a name, a phone number and the rest may be', () => {
  const long = 'x'.repeat(100)
  const good = [
    { firstName: 'Zoë', lastName: null },
    { firstName: `  ${long}\n`, lastName: 'O’' },
    { phone: '+33612345678' },
    { phone: '0612345678901234' },
    { phone: ' ' },
    { phone: null, department: '', jobTitle: long },
    { preferences: {} },
    { preferences: { language: 'es', theme: 'auto', notifications: { sms: true }, timezone: 'America/New_York' } },
    { bio: 5, preferences: { fontSize: 'large', notifications: { pigeon: 'yes' } } },
  ]
  for (const body of good) expect(fits(body), JSON.stringify(body)).toBe(true)
  const bad = [
    { firstName: 'x' },
    { firstName: ' x\u0007 ' },
    { firstName: '' },
    { lastName: `${long}x` },
    { lastName: 'a\u0000b' },
    { lastName: 5 },
    { phone: '06 12 34 56 78' },
    { phone: '06.12' },
    { phone: '+' },
    { phone: '12345678901234567' },
    { phone: 612345678 },
    { department: `${long}x` },
    { jobTitle: 'a\u0000b' },
    { preferences: null },
    { preferences: [] },
    { preferences: { language: 'de' } },
    { preferences: { language: null } },
    { preferences: { theme: 'blue' } },
    { preferences: { notifications: { email: 'true' } } },
    { preferences: { notifications: true } },
    { preferences: { timezone: '+01:00' } },
    { preferences: { timezone: '' } },
  ]
  for (const body of bad) expect(fits(body), JSON.stringify(body)).toBe(false)
})

test('a name of spaces is judged without delay', () => {
  const started = performance.now()
  for (const name of [' '.repeat(100_000), `${' '.repeat(100)}x${' '.repeat(99)}`]) fits({ firstName: name })
  expect(performance.now() - started).toBeLessThan(1_000)
})

test('text is cleaned, empty text clears, and what nobody knows is left out', async () => {
  const body = {
    firstName: ' Zoë\u0007 ',
    lastName: 'de\n la  Cruz',
    phone: ' +33612345678 ',
    department: '',
    jobTitle: null,
    avatarUrl: '/elsewhere.jpg',
    email: 'other@example.org',
    preferences: { theme: 'dark', fontSize: 'large', notifications: { sms: true, pigeon: true } },
  }
  expect(await changesOf(body)).toEqual({
    firstName: 'Zoë',
    lastName: 'de la Cruz',
    phone: '+33612345678',
    department: null,
    jobTitle: null,
    preferences: { theme: 'dark', notifications: { sms: true } },
  })
})

test('a body of nothing but unknown keys changes nothing, an empty one is refused', async () => {
  for (const body of [{ bio: 'x' }, { preferences: {} }, { preferences: { notifications: { pigeon: true } } }]) {
    expect(await changesOf(body), JSON.stringify(body)).toBeUndefined()
  }
  await expect(changesOf({})).rejects.toMatchObject({ code: 'profiles.nothing_to_change' })
})

test('a time zone that there is not is told of by its path', async () => {
  const answer = await changed({ preferences: { timezone: 'Europe/Atlantis' } }, profile, async () => profile)
  expect(answer).toMatchObject({
    status: 400,
    body: { success: false, code: 'VALIDATION_ERROR', errors: [{ path: 'preferences.timezone', location: 'body' }] },
  })
})
