import sharp from 'sharp'
import { describe, expect, inject, test } from 'vitest'
import { call, expectFailure, expectInvalid, expectUserEvent, helpdeskClient, type Person } from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk

const path = '/api/profile/avatar'
const avatarUrl = /^\/api\/profile\/avatars\/[0-9a-f]{32}\.jpg$/

const picture = (width = 400, height = 600) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 30, b: 60 } } })

/** A form with one file. */
function formOf(bytes: Uint8Array, { field = 'avatar', name = 'me.png', type = 'image/png' } = {}): FormData {
  const form = new FormData()
  form.append(field, new Blob([new Uint8Array(bytes)], { type }), name)
  return form
}

const upload = (token: string | undefined, form: FormData) =>
  users.post<{ data: { avatarUrl: string; message: string }; message: string }>(path, { token, form })

/** Uploads an image that is good; gives its address. */
async function uploaded({ token }: Person, bytes: Uint8Array): Promise<string> {
  const answer = await upload(token, formOf(bytes))
  expect(answer.status, answer.text).toBe(200)
  const { data, message } = answer.body
  expect(answer.body).toEqual({
    success: true,
    data: { avatarUrl: expect.stringMatching(avatarUrl), message },
    message: expect.stringMatching(/\S/),
  })
  return data.avatarUrl
}

test('H-25 a JPEG, PNG, GIF or WebP becomes the avatar: a JPEG of 300 by 300, whatever it is called', async () => {
  const person = await helpdesk.register()
  const images = {
    jpeg: await picture().jpeg().toBuffer(),
    png: await picture().png().toBuffer(),
    gif: await picture().gif().toBuffer(),
    webp: await picture().webp().toBuffer(),
  }
  const urls = new Set<string>()
  for (const [name, bytes] of Object.entries(images)) {
    const url = await uploaded(person, bytes)
    urls.add(url)
    expect((await users.profile(person)).avatarUrl, name).toBe(url)
    const served = await fetch(users.at(url))
    expect(served.status, name).toBe(200)
    const { format, width, height, exif } = await sharp(Buffer.from(await served.arrayBuffer())).metadata()
    expect({ format, width, height, exif }, name).toEqual({ format: 'jpeg', width: 300, height: 300, exif: undefined })
  }
  expect(urls.size).toBe(4)
})

test('H-25 H-47 an avatar is served to everybody, kept by caches, and never taken for a page', async () => {
  const url = users.at(await uploaded(await helpdesk.register(), await picture().png().toBuffer()))
  const served = await fetch(url)
  expect(served.status).toBe(200)
  const etag = served.headers.get('etag') ?? ''
  expect(Object.fromEntries(served.headers)).toMatchObject({
    'content-type': 'image/jpeg',
    'cache-control': 'public, max-age=31536000, immutable',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    'content-disposition': 'inline; filename="avatar.jpg"',
    etag: expect.stringMatching(/^"[^"]+"$/),
  })
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`]) {
    const again = await fetch(url, { headers: { 'if-none-match': tag } })
    expect(again.status, tag).toBe(304)
    expect(again.headers.get('etag')).toBe(etag)
    expect(await again.text()).toBe('')
  }
  expect((await fetch(url, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  const head = await fetch(url, { method: 'HEAD' })
  expect(head.status).toBe(200)
  expect(head.headers.get('content-type')).toBe('image/jpeg')
})

test('H-25 what is no avatar is 404', async () => {
  const key = '0123456789abcdef0123456789abcdef'
  for (const file of [
    `${key}.jpg`,
    `${key}.png`,
    key,
    `${key.toUpperCase()}.jpg`,
    `x${key}.jpg`,
    '..%2F..%2Fetc%2Fpasswd',
    '%00',
  ]) {
    const answer = await users.get(`/api/profile/avatars/${file}`)
    expect(answer.status, file).toBe(404)
    expect(answer.body, file).toMatchObject({ success: false, code: 'NOT_FOUND', method: 'GET' })
  }
})

test('H-25 the avatar is removed, as often as somebody likes', async () => {
  const person = await helpdesk.register()
  const url = await uploaded(person, await picture().png().toBuffer())
  for (let index = 0; index < 2; index += 1) {
    const answer = await users.del(path, { token: person.token })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })
  }
  expect((await users.profile(person)).avatarUrl).toBeNull()
  await expect.poll(async () => (await fetch(users.at(url))).status).toBe(404)
})

test('H-25 changes of the avatar are announced and remembered', async () => {
  const person = await helpdesk.profiled()
  await uploaded(person, await picture().png().toBuffer())
  await users.del(path, { token: person.token })
  // Nothing is left to remove.
  await users.del(path, { token: person.token })
  await upload(person.token, formOf(Buffer.from('no image')))
  const events = await helpdesk.recordedOfProfile(person.id)
  expect(events.map(({ type }) => type)).toEqual(['profile.created', 'avatar.updated', 'avatar.deleted'])
  expectUserEvent(events[1]!, 'avatar.updated', person)
  expectUserEvent(events[2]!, 'avatar.deleted', person)
  const types = (await users.activities(person)).map(({ activityType }) => activityType)
  expect(types).toEqual(['avatar_deleted', 'avatar_uploaded', 'profile_created'])
})

test('H-25 H-53 what is not exactly one image in the field is 400, and the avatar stays', async () => {
  const person = await helpdesk.register()
  const png = await picture().png().toBuffer()
  const url = await uploaded(person, png)
  const two = formOf(png)
  two.append('avatar', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'two.png')
  const text = new FormData()
  text.append('avatar', 'me.png')
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
  const large = Buffer.concat([png, Buffer.alloc(6 * 1024 * 1024)])
  const forms = {
    nothing: new FormData(),
    text,
    two,
    'another field': formOf(png, { field: 'file' }),
    empty: formOf(Buffer.alloc(0)),
    'text that calls itself an image': formOf(Buffer.from('no image')),
    'an SVG': formOf(svg, { name: 'me.svg', type: 'image/svg+xml' }),
    'half a JPEG': formOf((await picture(2000, 2000).jpeg().toBuffer()).subarray(0, 2_000)),
    'above 5 MiB': formOf(large),
  }
  for (const [name, form] of Object.entries(forms)) {
    const answer = await upload(person.token, form)
    expect(answer.status, `${name}: ${answer.text}`).toBe(400)
    expectInvalid(answer, 'avatar')
  }
  for (const options of [{ json: { avatar: 'x' } }, { raw: 'x', headers: { 'content-type': 'image/png' } }, {}]) {
    const answer = await users.post(path, { token: person.token, ...options })
    expect(answer.status, answer.text).toBe(400)
  }
  expect((await users.profile(person)).avatarUrl).toBe(url)
  expect((await fetch(users.at(url))).status).toBe(200)
})

test('H-25 an avatar is for whoever is signed in', async () => {
  const form = formOf(await picture(20, 20).png().toBuffer())
  expectFailure(await upload(undefined, form), 401, 'MISSING_TOKEN')
  expectFailure(await upload('x.y.z', form), 401, 'INVALID_TOKEN')
  expectFailure(await users.del(path), 401, 'MISSING_TOKEN')
})

if (arrangement.name !== 'all')
  describe('at the path of the reference', () => {
    test('H-25 the avatar is set and removed', async () => {
      const { token } = await helpdesk.register()
      const form = formOf(await picture().png().toBuffer())
      const set = await call<{ data: { avatarUrl: string } }>('POST', users.at('/api/v1/users/avatar'), { token, form })
      expect(set.status, set.text).toBe(200)
      expect(set.body.data.avatarUrl).toMatch(avatarUrl)
      expect((await users.del('/api/v1/users/avatar', { token })).status).toBe(200)
      expect((await users.profile({ token })).avatarUrl).toBeNull()
    })
  })
