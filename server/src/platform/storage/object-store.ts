/** Keeps bytes under keys: nothing is known of what they are. All refuse with `edge.unavailable` when the place does not answer. */
export interface ObjectStore {
  /** Resolves when the bytes are kept for good. What was there before is replaced as a whole. */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>
  /** Undefined when there is nothing under the key. */
  get(key: string): Promise<Uint8Array | undefined>
  /** Nothing there: changes nothing. */
  remove(key: string): Promise<void>
  /** Rejects when the place cannot be used. */
  ping(): Promise<void>
  close(): Promise<void>
}

const keyForm = /^[0-9a-z]{16,64}$/

/** The key, when it can be no path and no part of one. */
export function checkedKey(key: string): string {
  // Keys are made here and never come from a client, so another one is a mistake of ours and no DomainError.
  if (!keyForm.test(key)) throw new TypeError('a key has 16 to 64 lower-case letters and digits')
  return key
}
