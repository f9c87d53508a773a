import { readArgon2 } from './argon2.ts'
import { readBcrypt } from './bcrypt.ts'
import type { HashReader, ReadHash } from './format.ts'
import { readPbkdf2 } from './pbkdf2.ts'
import { readScrypt } from './scrypt.ts'

export type { ReadHash } from './format.ts'

const readers: readonly HashReader[] = [readArgon2, readBcrypt, readPbkdf2, readScrypt]

/** The longest text that is read at all; the longest that fits any format is shorter. */
const longestHash = 512

/** Reads a stored hash, of our own making or imported. What is malformed, unknown or too dear is refused, and never computed. */
export function readHash(hash: string): ReadHash {
  if (hash.length > longestHash) return { refused: `it is longer than ${longestHash} characters` }
  for (const read of readers) {
    const result = read(hash)
    if (result) return result
  }
  return { refused: 'its format is not known' }
}

/** The name of a hash's format, or why no sign-in could ever compute it. */
export function describeForeignHash(hash: string): { format: string } | { refused: string } {
  const result = readHash(hash)
  return 'refused' in result ? result : { format: result.format }
}
