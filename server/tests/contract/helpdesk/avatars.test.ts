import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { uploadsDirectory } from '../../../src/gateway/edge/upload.ts'
import {
  gifPolyglot,
  noise,
  pngBomb,
  red,
  script,
  stripes,
  svgWithScript,
  tellingJpeg,
  zeroPng,
} from '../../support/images.ts'
import { expectInvalid, helpdeskClient, type Person } from './client.ts'

/** What somebody who means harm sends as an avatar, and how. */

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk
const path = '/api/profile/avatar'
const mebibyte = 1_024 ** 2
const soon = { timeout: 10_000, interval: 50 }

interface AvatarSet {
  data: { avatarUrl: string }
}
const upload = ({ token }: Person, bytes: Buffer, field = 'avatar') => {
  const form = new FormData()
  form.append(field, new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' }), 'me.jpg')
  return users.post<AvatarSet>(path, { token, form })
}

const boundary = 'an-unlikely-boundary'
const partHead = `--${boundary}\r\ncontent-disposition: form-data; name="avatar"; filename="me.jpg"\r\n\r\n`

/** Opens a connection and sends the head of an upload and some of it; what comes back is collected. */
function open({ token }: Person, lengthHeader: string, ...pieces: (string | Buffer)[]) {
  const { hostname, port } = new URL(users.at(path))
  const socket = connect(Number(port), hostname)
  const received = { text: '', closed: false }
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    received.text += chunk
  })
  socket.on('close', () => {
    received.closed = true
  })
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    `authorization: Bearer ${token}`,
    `content-type: multipart/form-data; boundary=${boundary}`,
    lengthHeader,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  for (const piece of pieces) socket.write(piece)
  return { socket, received }
}

const uploading = () => readdir(join(arrangement.temporary, basename(uploadsDirectory()))).catch((): string[] => [])
/** Waits until every file has gone that was on its way now. */
async function nothingOnItsWay(): Promise<void> {
  const now = await uploading()
  await expect.poll(async () => (await uploading()).filter((name) => now.includes(name)), soon).toEqual([])
}

/** Waits until of somebody's files there is the one that is shown, if any, and in the store no file that nobody knows of. */
async function nothingLeftOver({ id }: Person): Promise<void> {
  const look = async () => {
    const entries = await readdir(join(arrangement.dataDir, 'avatars'), { recursive: true, withFileTypes: true })
    const kept = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
    const rows = await helpdesk.profileRows<{ key: string; own: boolean; shown: boolean }>(
      `SELECT f.key, f.account_id = $1 AS own, p.account_id IS NOT NULL AS shown
         FROM avatar_files f LEFT JOIN profiles p ON p.account_id = f.account_id AND p.avatar_key = f.key`,
      [id],
    )
    const known = rows.map(({ key }) => key)
    const own = rows.filter((row) => row.own)
    return { unknown: kept.filter((name) => !known.includes(name)), unused: own.filter(({ shown }) => !shown) }
  }
  await expect.poll(look, soon).toEqual({ unknown: [], unused: [] })
}

describe('H-25 an upload that means harm is 400 and leaves nothing:', () => {
  test.each([
    ['a bomb of 30,000 x 30,000 pixels', pngBomb],
    ['a header that promises them', () => zeroPng({ width: 30_000, height: 30_000, colour: 'rgba', rows: 2 })],
    ['a row of 50 million pixels', () => zeroPng({ width: 50_000_000, height: 1 })],
    ['a drawing with a script', async () => svgWithScript],
    ['a page', async () => Buffer.from(`<!doctype html><html>${script}</html>`)],
    ['a page with the signature of a GIF', async () => Buffer.from(`GIF89a/*${script}*/=1;`)],
    ['half a JPEG', async () => (await noise(800, 800).jpeg().toBuffer()).subarray(0, 100_000)],
    ['half a PNG', async () => (await noise(400, 400).png().toBuffer()).subarray(0, 100_000)],
    ['3 MB of noise', async () => noise(1_000, 1_000).raw().toBuffer()],
    ['6 MiB', async () => Buffer.alloc(6 * mebibyte, 0xff)],
  ])('%s', { timeout: 60_000 }, async (_what, make) => {
    const person = await helpdesk.register()
    const good = await upload(person, await stripes(30, 30, [red]).png().toBuffer())
    expect(good.status, good.text).toBe(200)
    const refused = await upload(person, await make())
    expect(refused.status, refused.text).toBe(400)
    expectInvalid(refused, 'avatar')
    expect((await users.profile(person)).avatarUrl).toBe(good.body.data.avatarUrl)
    await nothingOnItsWay()
    await nothingLeftOver(person)
  })
})

test('H-25 6 MiB are refused as soon as they are announced', async () => {
  const person = await helpdesk.register()
  const { received, socket } = open(person, 'content-length: 6291456', partHead)
  await expect.poll(() => received.text, soon).toContain('VALIDATION_ERROR')
  expect(received.text).toMatch(/^HTTP\/1\.1 400 /)
  await expect.poll(() => received.closed, soon).toBe(true)
  socket.destroy()
  await nothingOnItsWay()
})

test('H-25 a body without a length and without an end is cut off', async () => {
  const person = await helpdesk.register()
  const { received, socket } = open(person, 'transfer-encoding: chunked')
  const send = (bytes: Buffer | string) =>
    socket.write(
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')]),
    )
  let sent = 0
  const pump = () => {
    while (!received.closed && sent < 128 * mebibyte) {
      sent += 65_536
      if (!send(Buffer.alloc(65_536, 0xff))) return socket.once('drain', pump)
    }
  }
  send(partHead)
  pump()
  await expect.poll(() => received.closed, soon).toBe(true)
  expect(received.text).toContain('VALIDATION_ERROR')
  expect(sent).toBeLessThan(64 * mebibyte)
  await nothingOnItsWay()
  await nothingLeftOver(person)
})

/** Takes a quarter of a minute, and shows the same everywhere: run on the shared gateway only. */
const longTest = arrangement.name === 'all' ? test : undefined
longTest?.(
  'H-25 a client that stalls is told so after ten seconds, others are served meanwhile',
  {
    timeout: 60_000,
  },
  async () => {
    const person = await helpdesk.register()
    const start = performance.now()
    const stalled = Array.from({ length: 10 }, () =>
      open(person, 'content-length: 100000', partHead, Buffer.alloc(5_000, 0xff)),
    )
    await expect.poll(async () => (await uploading()).length, soon).toBeGreaterThanOrEqual(10)
    expect((await upload(person, await stripes(30, 30, [red]).png().toBuffer())).status).toBe(200)
    for (const { received } of stalled) {
      await expect.poll(() => received.text, { ...soon, timeout: 20_000 }).toMatch(/^HTTP\/1\.1 408 /)
    }
    expect(performance.now() - start).toBeGreaterThan(9_000)
    for (const { received } of stalled) await expect.poll(() => received.closed, soon).toBe(true)
    await nothingOnItsWay()
    await nothingLeftOver(person)
  },
)

test('H-25 a client that goes away in the middle leaves nothing', async () => {
  const person = await helpdesk.register()
  const { socket } = open(person, 'content-length: 1000000', partHead, Buffer.alloc(300_000, 0xff))
  await expect.poll(async () => (await uploading()).length, soon).toBeGreaterThan(0)
  socket.destroy()
  await nothingOnItsWay()
  await nothingLeftOver(person)
  expect((await users.profile(person)).avatarUrl).toBeNull()
})

test('H-25 what is served is nothing but pixels, whatever else was in the file', async () => {
  const person = await helpdesk.register()
  for (const file of [await gifPolyglot(), await tellingJpeg()]) {
    expect(file.includes('<script>')).toBe(true)
    const set = await upload(person, file)
    expect(set.status, set.text).toBe(200)
    const served = await fetch(users.at(set.body.data.avatarUrl))
    expect(served.headers.get('content-type')).toBe('image/jpeg')
    expect(served.headers.get('x-content-type-options')).toBe('nosniff')
    const bytes = Buffer.from(await served.arrayBuffer())
    expect([...bytes.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
    expect(bytes.toString('latin1')).not.toMatch(/script|html|Exif|GPS|Camera|xmpmeta/i)
  }
})

test('H-25 many at once for one person leave one avatar', async () => {
  const person = await helpdesk.register()
  const png = await stripes(50, 50, [red]).png().toBuffer()
  const answers = await Promise.all(Array.from({ length: 6 }, () => upload(person, png)))
  for (const answer of answers) expect(answer.status, answer.text).toBe(200)
  const { avatarUrl } = await users.profile(person)
  expect(answers.map(({ body }) => body.data.avatarUrl)).toContain(avatarUrl)
  const found = await Promise.all(answers.map(async ({ body }) => (await fetch(users.at(body.data.avatarUrl))).status))
  expect(found.sort()).toEqual([200, 404, 404, 404, 404, 404])
  await nothingLeftOver(person)
})

longTest?.('H-25 memory stays flat, whatever is uploaded', { timeout: 120_000 }, async () => {
  const resident = async () => {
    const text = await (await fetch(users.at('/metrics'))).text()
    return Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1]) / mebibyte
  }
  const person = await helpdesk.register()
  const harm = [
    await pngBomb(),
    await zeroPng({ width: 7_000, height: 7_000, colour: 'rgba' }),
    await zeroPng({ width: 4_900, height: 4_900, colour: 'rgba', interlaced: true }),
    Buffer.alloc(6 * mebibyte, 0xff),
    svgWithScript,
  ]
  const round = async () => {
    for (const file of harm) await upload(person, file)
    return resident()
  }
  const first = [await round(), await round()]
  const later = [await round(), await round(), await round(), await round()]
  expect(Math.max(...later) - Math.max(...first), JSON.stringify([first, later])).toBeLessThan(100)
})

test('H-25 twelve who send one at once all get theirs', async () => {
  const image = await noise(1_100, 1_100).jpeg().toBuffer()
  const people = await Promise.all(Array.from({ length: 12 }, () => helpdesk.register()))
  const answers = await Promise.all(people.map((person) => upload(person, image)))
  expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200))
})
