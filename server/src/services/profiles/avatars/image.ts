import sharp from 'sharp'
import { messageOf } from '../../../platform/errors.ts'
import { refuse } from '../errors.ts'

/** Width and height of every avatar. */
const side = 300
const jpegQuality = 80

/** What an image may have to be decoded at all, in pixels. */
const mostPixels = 50_000_000
/** The same for images that a decoder has to hold in memory as a whole; others pass through it row by row. */
const mostPixelsHeld = 25_000_000
/** The longest side that JPEG has; longer ones cost more time than their pixels tell. */
const longestSide = 65_535
const longestWorkSeconds = 5

// Of the dozens of formats that the library reads, from SVG to PDF, these four are left; what a file is called or said to be counts
// nowhere.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegFile',
    'VipsForeignLoadPngFile',
    'VipsForeignLoadNsgifFile',
    'VipsForeignLoadWebpFile',
  ],
})
sharp.cache(false)
sharp.concurrency(1)

/**
 * Makes the avatar of an image file: the middle of it as a JPEG of 300 x 300, upright, on white, and nothing but pixels of what was
 * in the file. Of an animation it is the first picture. Loads a library that takes much memory: for a process of its own.
 */
export async function renderAvatar(path: string): Promise<Uint8Array> {
  const image = sharp(path, {
    limitInputPixels: mostPixels,
    // Photographs with small faults in their metadata are everyday; missing and broken pixels are not.
    failOn: 'error',
    autoOrient: true,
    pages: 1,
    animated: false,
  })
  try {
    const { width, height, format, isProgressive = false } = await image.metadata()
    const held = isProgressive || format === 'gif' || format === 'webp'
    if (Math.max(width, height) > longestSide || width * height > (held ? mostPixelsHeld : mostPixels)) {
      throw refuse('profiles.image_too_large')
    }
    return await image
      .timeout({ seconds: longestWorkSeconds })
      .resize(side, side, { fit: 'cover' })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: jpegQuality })
      .toBuffer()
  } catch (error) {
    throw whyNot(error)
  }
}

/** The library says in words alone what is wrong with a file. */
function whyNot(error: unknown): unknown {
  const message = messageOf(error)
  if (/unsupported image format/.test(message)) return refuse('profiles.not_an_image')
  if (/exceeds (pixel|channel) limit|^timeout\b/.test(message)) return refuse('profiles.image_too_large')
  // A file that is not there is no fault of whoever sent it.
  if (/^Input file is missing/.test(message) || !(error instanceof Error) || 'code' in error) return error
  return refuse('profiles.image_damaged')
}
