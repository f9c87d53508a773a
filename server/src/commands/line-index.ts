import { hash } from 'node:crypto'

/**
 * Remembers on which line each key was first seen, in 12 bytes a key, whatever its length. Keys are told apart by 64 bits of
 * their SHA-256: in a million of them, one in forty million files would see a repetition that is none.
 * @param capacity keys at most; the memory of those not seen yet is only reserved
 */
export function createLineIndex(capacity: number) {
  // Half of the slots stay free, so that a search is short.
  const slots = 2 ** Math.ceil(Math.log2(capacity * 2))
  const digests = new BigUint64Array(slots)
  const lines = new Uint32Array(slots)
  return {
    /** The line that had this key before, if one did; otherwise remembers this one. */
    seenOn(key: string, line: number): number | undefined {
      const digest = hash('sha256', key, 'buffer').readBigUInt64LE()
      let slot = Number(digest & BigInt(slots - 1))
      for (let known = lines[slot]; known; known = lines[slot]) {
        if (digests[slot] === digest) return known
        slot = (slot + 1) % slots
      }
      digests[slot] = digest
      lines[slot] = line
      return undefined
    },
  }
}
