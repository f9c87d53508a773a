import { randomBytes } from 'node:crypto'

/** A name that nobody else uses. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(6).toString('hex')}`
