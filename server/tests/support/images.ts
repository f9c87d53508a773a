import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { crc32, createDeflate } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

/** Images for tests. They are made without decoding any, which the service allows for a few formats and for files alone. */

export type Colour = readonly [number, number, number, number?]
export const red: Colour = [255, 0, 0]
export const green: Colour = [0, 255, 0]
export const blue: Colour = [0, 0, 255]
export const white: Colour = [255, 255, 255]
export const transparent: Colour = [0, 0, 0, 0]

/** An image of equally wide stripes, beside each other. */
export function stripes(width: number, height: number, colours: readonly Colour[]): Sharp {
  const channels = colours.some((colour) => colour.length === 4) ? 4 : 3
  const pixels = Buffer.alloc(width * height * channels)
  for (let at = 0; at < width * height; at += 1) {
    const colour = colours[Math.floor(((at % width) * colours.length) / width)]!
    pixels.set([...colour.slice(0, 3), ...(channels === 4 ? [colour[3] ?? 255] : [])] as number[], at * channels)
  }
  return sharp(pixels, { raw: { width, height, channels } })
}

/** An image that compresses badly. */
export const noise = (width: number, height: number): Sharp =>
  sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } })

/** One picture after the other. */
export function animation(width: number, height: number, colours: readonly Colour[]): Sharp {
  const frames = colours.map((colour) =>
    Buffer.concat(Array.from({ length: width * height }, () => Buffer.from(colour as readonly number[] as number[]))),
  )
  const raw = { width, height: height * frames.length, channels: 3 as const, pageHeight: height }
  return sharp(Buffer.concat(frames), { raw })
}

const chunk = (type: string, data: Buffer): Buffer => {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(typed))
  return Buffer.concat([length, typed, check])
}

export interface PngOptions {
  width: number
  height: number
  /** Bits of a sample. */
  depth?: 1 | 8 | 16
  colour?: 'grey' | 'rgba'
  interlaced?: boolean
  /** Rows that really follow; all of them when absent. */
  rows?: number
  /** Chunks before the pixels. */
  extra?: readonly { type: string; data: string }[]
}

/** Where the rows of an interlaced PNG begin, and the steps between its pixels (PNG, 8.2). */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** A PNG of zeros, row by row: a file of some kilobytes for as many pixels as one likes. */
export async function zeroPng(options: PngOptions): Promise<Buffer> {
  const { width, height, depth = 8, colour = 'grey', interlaced = false, rows = height, extra = [] } = options
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, colour === 'grey' ? 0 : 6, 0, 0, interlaced ? 1 : 0], 8)
  const bits = depth * (colour === 'grey' ? 1 : 4)
  const rowOf = (pixels: number) => Buffer.alloc(1 + Math.ceil((pixels * bits) / 8))

  const deflate = createDeflate()
  const deflated = buffer(deflate)
  const write = async (row: Buffer, times: number) => {
    const together = Math.max(1, Math.min(times, Math.floor(1_048_576 / row.length)))
    const some = Buffer.alloc(row.length * together)
    for (let left = times; left > 0; left -= together) {
      const piece = left < together ? some.subarray(0, row.length * left) : some
      if (!deflate.write(piece)) await new Promise((resolve) => deflate.once('drain', resolve))
    }
  }
  if (!interlaced) await write(rowOf(width), rows)
  else {
    for (const [x, y, stepX, stepY] of passes) {
      await write(rowOf(Math.ceil((width - x) / stepX)), Math.ceil((height - y) / stepY))
    }
  }
  deflate.end()
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...extra.map(({ type, data }) => chunk(type, Buffer.from(data, 'latin1'))),
    chunk('IDAT', await deflated),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** 900 million pixels in a file of a hundred kilobytes. */
export const pngBomb = (): Promise<Buffer> => zeroPng({ width: 30_000, height: 30_000, depth: 1 })

export const script = '<script>alert(document.cookie)</script>'

export const svgWithScript = Buffer.from(
  `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><rect width="300" height="300"/>${script}</svg>`,
)

/** A GIF that is a page as well: markup in a comment, and after its end. */
export async function gifPolyglot(): Promise<Buffer> {
  const gif = await stripes(60, 60, [red]).gif().toBuffer()
  const comment = Buffer.concat([Buffer.from([0x21, 0xfe, script.length]), Buffer.from(script), Buffer.from([0])])
  // Behind the header, the screen and its table of colours: there a GIF may say what it likes.
  const tableBytes = (gif[10]! & 0x80) === 0 ? 0 : 3 * 2 ** ((gif[10]! & 7) + 1)
  const start = 13 + tableBytes
  return Buffer.concat([gif.subarray(0, start), comment, gif.subarray(start), Buffer.from(`<html>${script}</html>`)])
}

/** A photograph with everything that cameras and programs write beside the pixels. */
export const tellingJpeg = (): Promise<Buffer> =>
  stripes(600, 600, [red])
    .withExif({
      IFD0: { Make: 'Camera of Ada', ImageDescription: script },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '48/1 51/1 0/1', GPSLongitudeRef: 'E', GPSLongitude: '2/1 21/1 0/1' },
    })
    .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf>${script}</rdf></x:xmpmeta>`)
    .withIccProfile('p3')
    .jpeg()
    .toBuffer()
