import { describe, expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { forgeToken } from '../../support/tokens.ts'
import { shopClient } from '../shop/client.ts'
import {
  call,
  expectFailure,
  expectInvalid,
  expectUserEvent,
  helpdeskClient,
  newProfileOf,
  type Person,
  type Profile,
  time,
  usualPreferences,
} from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk

const read = (token?: string) => users.get<{ data: Profile }>('/api/profile/me', { token })
const change = (token: string | undefined, json: unknown) =>
  users.put<{ data: Profile; message: string }>('/api/profile/me', { token, json })

/** The profile after a change that was accepted. */
async function changed({ token }: Person, json: unknown): Promise<Profile> {
  const answer = await change(token, json)
  expect(answer.status, answer.text).toBe(200)
  const { data } = answer.body
  expect(answer.body).toEqual({ success: true, data, message: expect.stringMatching(/\S/) })
  expect((await read(token)).body.data).toEqual(data)
  return data
}

describe('reading', () => {
  test('H-01 H-09 H-11 H-23 whoever has just registered reads a profile with the token of the auth service', async () => {
    const person = await helpdesk.register()
    const answer = await read(person.token)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body).toEqual({ success: true, data: newProfileOf(person) })
    const { createdAt, updatedAt } = answer.body.data
    expect(updatedAt).toBe(createdAt)
    expect(Math.abs(Date.now() - Date.parse(createdAt))).toBeLessThan(60_000)
    expect((await read(person.token)).body).toEqual(answer.body)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    // Such warnings are the auth service's.
    expect(answer.headers.get('x-token-expires-soon')).toBeNull()
  })

  test('H-11 H-23 ten first readings at once make one profile, and one event says so', async () => {
    const person = await helpdesk.register()
    const answers = await Promise.all(Array.from({ length: 10 }, () => read(person.token)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    const events = await eventually(
      () => helpdesk.recordedOfProfile(person.id),
      (found) => expect(found.length).toBeGreaterThan(0),
    )
    expect(events.map(({ type }) => type)).toEqual(['profile.created'])
    expectUserEvent(events[0]!, 'profile.created', person)
  })

  test('H-11 names that were given at the registration are those of the profile', async () => {
    const names = { firstName: ' Zoë\u0007 ', lastName: 'de\n la  Cruz' }
    const person = await helpdesk.register('person', names)
    await users.profile(person)
    const profile = await eventually(
      () => users.profile(person),
      ({ lastName }) => expect(lastName).toBe('de la Cruz'),
    )
    expect(profile).toMatchObject({ firstName: 'Zoë', lastName: 'de la Cruz' })
  })

  test('H-09 H-23 without a good token it is 401', async () => {
    const { claims } = await helpdesk.register()
    for (const ask of [() => read(), () => change(undefined, { phone: '1' })]) {
      const answer = await ask()
      expectFailure(answer, 401, 'MISSING_TOKEN')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    const bad = {
      malformed: 'not-a-token',
      'ten kilobytes': 'x'.repeat(10_000),
      'alg none': forgeToken({ alg: 'none' }, claims),
      'a guessed secret': forgeToken({ alg: 'HS256' }, claims, 'your-very-long-secret-key'),
      "a service's own": await helpdesk.serviceToken(),
    }
    for (const [name, token] of Object.entries(bad)) {
      const answer = await read(token)
      expect(answer.body, name).toMatchObject({ code: 'INVALID_TOKEN' })
      expectFailure(answer, 401, 'INVALID_TOKEN')
      expectFailure(await change(token, { phone: '1' }), 401, 'INVALID_TOKEN')
    }
  })

  test('H-09 H-52 a token is refused as soon as its owner signed out', async () => {
    const person = await helpdesk.register()
    expect((await read(person.token)).status).toBe(200)
    await helpdesk.post('/api/auth/logout', { token: person.token })
    const refused = await eventually(
      () => read(person.token),
      ({ status }) => expect(status).toBe(401),
      5_000,
    )
    expectFailure(refused, 401, 'INVALID_TOKEN')
  })
})

describe('changing', () => {
  test('H-24 every field is set, cleaned, and cleared again', async () => {
    const person = await helpdesk.register()
    const before = await users.profile(person)
    const set = await changed(person, {
      firstName: '  Éloïse ',
      lastName: 'Dupont\tde la  Tour',
      phone: '+33612345678',
      department: ' Support ',
      jobTitle: 'Technicienne',
    })
    expect(set).toEqual({
      ...before,
      firstName: 'Éloïse',
      lastName: 'Dupont de la Tour',
      phone: '+33612345678',
      department: 'Support',
      jobTitle: 'Technicienne',
      updatedAt: expect.stringMatching(time),
    })
    expect(Date.parse(set.updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt))

    const partly = await changed(person, { phone: '', jobTitle: '  ' })
    expect(partly).toEqual({ ...set, phone: null, jobTitle: null, updatedAt: expect.stringMatching(time) })
    const cleared = await changed(person, { firstName: null, lastName: null, department: '' })
    expect(cleared).toEqual({ ...before, updatedAt: expect.stringMatching(time) })
  })

  test('H-24 a profile that nobody has read yet can be changed', async () => {
    const person = await helpdesk.register()
    expect(await changed(person, { department: 'Support' })).toMatchObject({ department: 'Support' })
  })

  test('H-24 preferences are merged, level by level', async () => {
    const person = await helpdesk.register()
    const steps = [
      [{ theme: 'dark' }, { ...usualPreferences, theme: 'dark' }],
      [
        { notifications: { sms: true } },
        { ...usualPreferences, theme: 'dark', notifications: { email: true, browser: true, sms: true } },
      ],
      [
        { language: 'es', notifications: { email: false }, timezone: 'America/New_York' },
        {
          language: 'es',
          theme: 'dark',
          notifications: { email: false, browser: true, sms: true },
          timezone: 'America/New_York',
        },
      ],
      [{ theme: 'auto' }, { language: 'es', theme: 'auto' }],
    ]
    for (const [preferences, expected] of steps) {
      expect((await changed(person, { preferences })).preferences).toMatchObject(expected!)
    }
  })

  test('H-24 what came can be sent back as it is', async () => {
    const person = await helpdesk.register()
    const profile = await users.profile(person)
    expect(await changed(person, profile)).toEqual({ ...profile, updatedAt: expect.stringMatching(time) })
  })

  test('H-24 H-54 unknown keys are ignored at every level, and kept nowhere', async () => {
    const person = await helpdesk.register()
    const before = await users.profile(person)
    const unknown = {
      bio: 'unheard-of',
      email: 'other@example.org',
      id: 'x',
      avatarUrl: '/unheard-of.jpg',
      role: 'admin',
    }
    // Nothing but such keys: nothing to change, and no fault either.
    expect(await changed(person, unknown)).toEqual(before)
    const preferences = { theme: 'dark', fontSize: 'unheard-of', notifications: { sms: true, pigeon: 'unheard-of' } }
    const after = await changed(person, { ...unknown, phone: '1', preferences })
    expect(after).toEqual({
      ...before,
      phone: '1',
      preferences: { ...usualPreferences, theme: 'dark', notifications: { email: true, browser: true, sms: true } },
      updatedAt: expect.stringMatching(time),
    })
    const rows = await helpdesk.profileRows('SELECT to_jsonb(p) AS row FROM profiles p WHERE account_id = $1', [
      person.id,
    ])
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain('unheard-of')
    expect(JSON.stringify(rows)).not.toContain('pigeon')
  })

  test('H-24 H-53 a body without anything in it is 400', async () => {
    const person = await helpdesk.register()
    const before = await users.profile(person)
    const headers = { 'content-type': 'application/json' }
    for (const raw of ['{}', '', '{']) {
      const answer = await users.put('/api/profile/me', { token: person.token, raw, headers })
      expectInvalid(answer, '')
    }
    for (const raw of ['[]', 'null', '"x"', '5']) {
      const answer = await users.put('/api/profile/me', { token: person.token, raw, headers })
      expect(answer.status, raw).toBe(400)
      expect(answer.body, raw).toMatchObject({ success: false, errors: [expect.anything()] })
    }
    expect(await users.profile(person)).toEqual(before)
  })

  test('H-24 H-53 what does not fit is 400 with the path of the field, and changes nothing', async () => {
    const person = await helpdesk.register()
    const before = await changed(person, { firstName: 'Ada', phone: '1', preferences: { theme: 'dark' } })
    const long = 'x'.repeat(101)
    const cases: [object, string][] = [
      [{ firstName: 'x' }, 'firstName'],
      [{ firstName: '' }, 'firstName'],
      [{ firstName: ' \u0007x ' }, 'firstName'],
      [{ firstName: long }, 'firstName'],
      [{ firstName: 7 }, 'firstName'],
      [{ lastName: ['Lovelace'] }, 'lastName'],
      [{ lastName: 'Love\u0000lace' }, 'lastName'],
      [{ phone: '06 12 34 56 78' }, 'phone'],
      [{ phone: '06.12.34' }, 'phone'],
      [{ phone: '06-12-34' }, 'phone'],
      [{ phone: '++33' }, 'phone'],
      [{ phone: '12345678901234567' }, 'phone'],
      [{ phone: 612345678 }, 'phone'],
      [{ department: long }, 'department'],
      [{ department: {} }, 'department'],
      [{ jobTitle: long }, 'jobTitle'],
      [{ jobTitle: 'a\u0000b' }, 'jobTitle'],
      [{ preferences: null }, 'preferences'],
      [{ preferences: 'dark' }, 'preferences'],
      [{ preferences: [] }, 'preferences'],
      [{ preferences: { language: 'de' } }, 'preferences.language'],
      [{ preferences: { language: 5 } }, 'preferences.language'],
      [{ preferences: { theme: 'blue' } }, 'preferences.theme'],
      [{ preferences: { notifications: true } }, 'preferences.notifications'],
      [{ preferences: { notifications: { email: 'true' } } }, 'preferences.notifications.email'],
      [{ preferences: { notifications: { browser: 1 } } }, 'preferences.notifications.browser'],
      [{ preferences: { notifications: { sms: null } } }, 'preferences.notifications.sms'],
      [{ preferences: { timezone: 'Europe/Atlantis' } }, 'preferences.timezone'],
      [{ preferences: { timezone: '+01:00' } }, 'preferences.timezone'],
      [{ preferences: { timezone: '' } }, 'preferences.timezone'],
    ]
    // A good field beside the bad one is not taken either.
    for (const [json, field] of cases) expectInvalid(await change(person.token, { jobTitle: 'Other', ...json }), field)
    expect(await users.profile(person)).toEqual(before)
  })

  test('H-54 control characters do not get in; H-55 what looks like SQL or HTML is text', async () => {
    const person = await helpdesk.register()
    const text = `Robert'); DROP TABLE profiles; -- <b onclick="x">`
    const profile = await changed(person, {
      lastName: text,
      department: 'Sup\u001bport\u0007',
      jobTitle: 'a\r\nb\u0085c',
    })
    expect(profile).toMatchObject({ lastName: text, department: 'Sup port', jobTitle: 'a b c' })
  })

  test('H-54 keys that reach a prototype change nothing', async () => {
    const person = await helpdesk.register()
    const before = await users.profile(person)
    const headers = { 'content-type': 'application/json' }
    for (const raw of ['{"__proto__":{"phone":"1"}}', '{"preferences":{"__proto__":{"theme":"dark"}},"bio":"x"}']) {
      const answer = await users.put('/api/profile/me', { token: person.token, raw, headers })
      expect([200, 400], raw).toContain(answer.status)
      expect(await users.profile(person), raw).toEqual(before)
    }
  })

  test('H-24 a change is announced and remembered, one that changes nothing is not', async () => {
    const person = await helpdesk.profiled()
    await changed(person, { firstName: 'Ada', lastName: 'Lovelace' })
    await changed(person, { bio: 'x' })
    await change(person.token, {})
    await change(person.token, { phone: 'none' })
    const events = await helpdesk.recordedOfProfile(person.id)
    expect(events.map(({ type }) => type)).toEqual(['profile.created', 'profile.updated'])
    expectUserEvent(events[1]!, 'profile.updated', person)
    const types = (await users.activities(person)).map(({ activityType }) => activityType)
    expect(types).toEqual(['profile_updated', 'profile_created'])
    // Events carry no names.
    expect(JSON.stringify(events)).not.toContain('Lovelace')
  })
})

if (arrangement.name === 'all')
  describe('beside other contracts', () => {
    test("H-09 another contract's token is 401 here, and ours is refused there", async () => {
      const shop = shopClient(arrangement)
      const [foreign, own] = await Promise.all([shop.register(), helpdesk.register()])
      expectFailure(await read(foreign.token), 401, 'INVALID_TOKEN')
      expect((await shop.get('/users/profile', { token: own.token })).status).toBe(401)
    })

    test("the reference's paths are not served here", async () => {
      const { token } = await helpdesk.register()
      expect((await call('GET', users.at('/api/v1/users/profile'), { token })).status).toBe(404)
    })
  })

if (arrangement.name !== 'all')
  describe('at the paths of the reference', () => {
    test('H-23 H-24 the profile is read and changed', async () => {
      const person = await helpdesk.register()
      const answer = await users.get('/api/v1/users/profile', { token: person.token })
      expect(answer.status, answer.text).toBe(200)
      expect(answer.body).toEqual({ success: true, data: newProfileOf(person) })
      const json = { phone: '0612345678' }
      const updated = await users.put('/api/v1/users/profile', { token: person.token, json })
      expect(updated.status, updated.text).toBe(200)
      expect(updated.body).toMatchObject({ success: true, data: json, message: expect.any(String) })
      expect((await read(person.token)).body.data).toEqual(updated.body.data)
      expectFailure(await users.get('/api/v1/users/profile'), 401, 'MISSING_TOKEN')
      expectInvalid(await users.put('/api/v1/users/profile', { token: person.token, json: { phone: 'x' } }), 'phone')
    })
  })

if (arrangement.name === 'helpdesk-in-two')
  describe('in a process of its own', () => {
    /** How often the auth service was asked about a good token. */
    async function verified(): Promise<number> {
      const metrics = await (await fetch(helpdesk.at('/metrics'))).text()
      const counts = metrics.matchAll(
        /^http_requests_total\{(?=[^}]*endpoint="\/api\/auth\/verify")(?=[^}]*status="200")[^}]*\} (\d+)/gm,
      )
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
    }

    test('H-01 H-09 the user service asks the auth service about a token that it has not seen', async () => {
      const person = await helpdesk.register()
      const before = await verified()
      expect((await read(person.token)).status).toBe(200)
      await expect.poll(verified).toBeGreaterThan(before)
    })
  })
