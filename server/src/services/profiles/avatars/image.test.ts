import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  animation,
  blue,
  type Colour,
  gifPolyglot,
  green,
  noise,
  pngBomb,
  red,
  script,
  stripes,
  svgWithScript,
  tellingJpeg,
  transparent,
  white,
  zeroPng,
} from '../../../../tests/support/images.ts'
import { DomainError } from '../../../platform/errors.ts'
import { renderAvatar } from './image.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guichet-images-'))
})
afterAll(() => rm(folder, { recursive: true }))

const saved = async (bytes: Buffer): Promise<string> => {
  const path = join(folder, randomBytes(6).toString('hex'))
  await writeFile(path, bytes)
  return path
}
const render = async (bytes: Buffer): Promise<Buffer> => Buffer.from(await renderAvatar(await saved(bytes)))
const domainError = (bytes: Buffer): Promise<string> =>
  render(bytes).then(
    () => 'rendered',
    (error: unknown) => (error instanceof DomainError ? error.code : String(error)),
  )

/** The colour at some points, from top left. */
async function coloursAt(avatar: Buffer, points: readonly (readonly [number, number])[]): Promise<Colour[]> {
  const { data, info } = await sharp(await saved(avatar))
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect(info).toMatchObject({ width: 300, height: 300, channels: 3 })
  return points.map(([x, y]) => [...data.subarray((y * 300 + x) * 3, (y * 300 + x) * 3 + 3)] as unknown as Colour)
}
/** JPEG keeps colours only about. */
function expectAbout(found: readonly Colour[], wanted: readonly Colour[]): void {
  const apart = found.map((colour, index) => colour.map((value, at) => Math.abs(value! - wanted[index]![at]!)))
  expect(Math.max(...apart.flat()), JSON.stringify(found)).toBeLessThan(12)
}
const corners = [
  [5, 5],
  [295, 5],
  [150, 150],
  [5, 295],
  [295, 295],
] as const

describe('an avatar', () => {
  test.each(['jpeg', 'png', 'gif', 'webp'] as const)(
    'of a %s is the middle of it, as a JPEG of 300 x 300',
    async (format) => {
      const avatar = await render(await stripes(900, 300, [red, green, blue]).toFormat(format).toBuffer())
      expect(await sharp(await saved(avatar)).metadata()).toMatchObject({
        format: 'jpeg',
        width: 300,
        height: 300,
        space: 'srgb',
        chromaSubsampling: '4:2:0',
      })
      expectAbout(
        await coloursAt(avatar, corners),
        Array.from(corners, () => green),
      )
    },
  )

  test('of a small image is enlarged', async () => {
    expectAbout(
      await coloursAt(await render(await stripes(1, 1, [blue]).png().toBuffer()), corners),
      Array.from(corners, () => blue),
    )
  })

  test('of a transparent image is on white', async () => {
    const avatar = await render(await stripes(300, 300, [transparent, red]).png().toBuffer())
    expectAbout(await coloursAt(avatar, corners.slice(0, 2)), [white, red])
  })

  test('of an animation is its first picture', async () => {
    for (const format of ['gif', 'webp'] as const) {
      const frames = await animation(40, 40, [red, green, blue])
        .toFormat(format, { loop: 0, lossless: true })
        .toBuffer()
      expectAbout(
        await coloursAt(await render(frames), corners),
        Array.from(corners, () => red),
      )
    }
  })

  test('of a photograph taken sideways is upright', async () => {
    const sideways = await stripes(600, 300, [red, blue])
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100 })
      .toBuffer()
    expectAbout(await coloursAt(await render(sideways), [corners[0], corners[1], corners[3], corners[4]]), [
      red,
      red,
      blue,
      blue,
    ])
  })

  test('of a CMYK photograph has the colours of a screen', async () => {
    const cmyk = await stripes(300, 300, [white]).toColourspace('cmyk').jpeg().toBuffer()
    expect(await sharp(await saved(cmyk)).metadata()).toMatchObject({ space: 'cmyk' })
    const avatar = await render(cmyk)
    expect(await sharp(await saved(avatar)).metadata()).toMatchObject({ space: 'srgb', channels: 3 })
    expectAbout(
      await coloursAt(avatar, corners),
      Array.from(corners, () => white),
    )
  })

  test('tells nothing of where and by what its photograph was taken', async () => {
    const photograph = await tellingJpeg()
    const before = await sharp(await saved(photograph)).metadata()
    expect(before.exif?.includes('Camera of Ada')).toBe(true)
    expect([before.icc, before.xmp].every((part) => part !== undefined)).toBe(true)
    const avatar = await render(photograph)
    const after = await sharp(await saved(avatar)).metadata()
    for (const part of ['exif', 'icc', 'xmp', 'iptc', 'comments', 'orientation'] as const) {
      expect(after[part], part).toBeUndefined()
    }
    expect(avatar.includes('Camera')).toBe(false)
  })

  test('has nothing but pixels of a file that is a page as well', async () => {
    const files = [
      await gifPolyglot(),
      await tellingJpeg(),
      Buffer.concat([await stripes(60, 60, [red]).jpeg().toBuffer(), Buffer.from(script)]),
      Buffer.concat([await stripes(60, 60, [red]).webp().toBuffer(), Buffer.from(script)]),
      await zeroPng({ width: 60, height: 60, extra: [{ type: 'tEXt', data: `Comment\0${script}` }] }),
    ]
    for (const file of files) {
      expect(file.includes('<script>')).toBe(true)
      const avatar = await render(file)
      expect(avatar.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]))
      expect(avatar.toString('latin1')).not.toMatch(/script|html|alert/i)
    }
  })
})

describe('what is no image', () => {
  test.each([
    ['a drawing with a script', svgWithScript],
    ['a page', Buffer.from(`<!doctype html><html>${script}</html>`)],
    ['a document', Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj')],
    ['a text', Buffer.from('P3 1 1 255 255 0 0')],
    ['bytes', randomBytes(5_000)],
    ['nothing', Buffer.alloc(0)],
    ['half a signature', Buffer.from('\x89PN', 'latin1')],
  ])('%s is refused', async (_what, bytes) => {
    expect(await domainError(bytes)).toBe('profiles.not_an_image')
  })

  test.each(['tiff', 'avif'] as const)('nor is a %s taken', async (format) => {
    expect(await domainError(await stripes(20, 20, [red]).toFormat(format).toBuffer())).toBe('profiles.not_an_image')
  })

  test('a file that is gone is a fault of ours', async () => {
    await expect(renderAvatar(join(folder, 'missing'))).rejects.not.toBeInstanceOf(DomainError)
  })
})

describe('a damaged image', () => {
  test.each(['jpeg', 'png', 'gif', 'webp'] as const)('that is a %s cut off is refused', async (format) => {
    const whole = await noise(200, 200).toFormat(format).toBuffer()
    expect(await domainError(whole)).toBe('rendered')
    for (const part of [0.9, 0.5, 0.1]) {
      expect(await domainError(whole.subarray(0, Math.floor(whole.length * part))), `${part}`).toBe(
        'profiles.image_damaged',
      )
    }
  })

  test('that is a progressive JPEG cut off is refused', async () => {
    const whole = await noise(200, 200).jpeg({ progressive: true }).toBuffer()
    expect(await domainError(whole.subarray(0, whole.length >> 1))).toBe('profiles.image_damaged')
  })

  test('that is a script with the signature of a GIF is refused', async () => {
    expect(await domainError(Buffer.from('GIF89a/*=1*/;alert(1)'))).toBe('profiles.image_damaged')
  })

  test('whose pixels were overwritten is refused', async () => {
    const png = await noise(200, 200).png().toBuffer()
    png.fill(0x5a, png.length >> 1, (png.length >> 1) + 400)
    expect(await domainError(png)).toBe('profiles.image_damaged')
  })
})

describe('an image of too many pixels', () => {
  test.each([
    ['30,000 x 30,000', pngBomb],
    ['30,000 x 30,000 without them', () => zeroPng({ width: 30_000, height: 30_000, colour: 'rgba', rows: 3 })],
    ['50 million x 1', () => zeroPng({ width: 50_000_000, height: 1 })],
    ['1 x 50 million', () => zeroPng({ width: 1, height: 50_000_000, rows: 1_000 })],
    ['interlaced, 36 million', () => zeroPng({ width: 6_000, height: 6_000, interlaced: true })],
    ['progressive, 36 million', () => noPixels(6_000).jpeg({ progressive: true }).toBuffer()],
    ['as a GIF, 36 million', () => noPixels(6_000).gif({ effort: 1, colours: 2 }).toBuffer()],
    ['as a WebP, 36 million', () => noPixels(6_000).webp({ effort: 0 }).toBuffer()],
  ])('(%s) is refused', { timeout: 60_000 }, async (_what, make) => {
    const bytes = await make()
    expect(bytes.length).toBeLessThan(5 * 1_024 ** 2)
    const start = performance.now()
    expect(await domainError(bytes)).toBe('profiles.image_too_large')
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  test('is one of more than 50 million', async () => {
    expect(await domainError(await zeroPng({ width: 7_000, height: 7_000, depth: 1 }))).toBe('rendered')
    expect(await domainError(await zeroPng({ width: 60_000, height: 300, depth: 1 }))).toBe('rendered')
    expect(await domainError(await zeroPng({ width: 7_100, height: 7_100, depth: 1 }))).toBe('profiles.image_too_large')
  })
})

const noPixels = (side: number) =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#000000' }, limitInputPixels: false })
