import { randomBytes } from 'node:crypto'
import { uuidv7 } from 'uuidv7'

/** A time-ordered UUID (RFC 9562, version 7): rows made together lie together in an index. */
export const newId = (): string => uuidv7()

/** An unguessable URL-safe text of `bytes` random bytes. */
export const newSecret = (bytes: number): string => randomBytes(bytes).toString('base64url')
