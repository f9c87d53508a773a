/** A stored hash that can be computed, or why it is not. A reason never repeats the hash. */
export type ReadHash = { format: string; verify(password: string): Promise<boolean> } | { refused: string }

/** Reads one family of formats; undefined when the text does not claim to be of it. */
export type HashReader = (hash: string) => ReadHash | undefined

/**
 * The dearest hash that is computed at all, about a second of one core: an imported row must not be able to burn more.
 * Each is well above what OWASP's Password Storage Cheat Sheet and the frameworks' defaults ask for.
 */
export const ceilings = {
  bcryptCost: 15,
  argon2Kib: 128 * 1024,
  argon2Passes: 16,
  argon2Lanes: 16,
  /** Kibibytes times passes. */
  argon2Work: 1024 * 1024,
  scryptBytes: 128 * 1024 * 1024,
  scryptLanes: 16,
  /** N times r times p. */
  scryptWork: 2 ** 22,
  /** Rounds times the digest blocks of the key. */
  pbkdf2Rounds: 2_000_000,
}

/** The family of the formats is known, but this text is none of them. */
export const malformed = (family: string): ReadHash => ({ refused: `it is no well-formed ${family} hash` })

/** It is well-formed, but costs more than it may. */
export const tooDear = (family: string, cost: string): ReadHash => ({
  refused: `its ${family} cost (${cost}) is above the ceiling`,
})

/** The salt and key of a hash, bounded: what is compared is never so short that guessing would do. */
export const isSaltAndKey = (salt: Buffer | string, key: Buffer): boolean =>
  salt.length > 0 && key.length >= 16 && key.length <= 64

/** Whether a library's parser takes the hash. */
export function parses(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
