import { parseOptions, verify } from '@node-rs/bcrypt'
import { ceilings, type HashReader, malformed, parses, tooDear } from './format.ts'

/**
 * bcrypt: `$2a$`, `$2b$` and `$2y$`, two digits of cost, 22 characters of salt and 31 of key. All three are computed alike: what
 * set `$2a$` apart was a length that wrapped at 256 bytes in early OpenBSD, and such hashes of very long passwords do not open.
 * Only 72 bytes of a password count, as they did where the hash was made; the upgrade at the first sign-in keeps all of them.
 */
export const readBcrypt: HashReader = (hash) => {
  if (!/^\$2[a-z]?\$/.test(hash)) return undefined
  const [, digits] = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash) ?? []
  const cost = Number(digits)
  // The library finds fault with stray bits at the end of the base64, which no bcrypt writes.
  if (digits === undefined || !parses(() => parseOptions(hash))) return malformed('bcrypt')
  if (cost > ceilings.bcryptCost) return tooDear('bcrypt', digits)
  return { format: 'bcrypt', verify: (password) => verify(password, hash) }
}
