import Type from 'typebox'
import { Text } from '../_kit/schema.ts'
import { longestPassword } from './errors.ts'

/** The fields of the helpdesk's bodies. */

/** With the spaces around it that people paste; within the lengths of RFC 5321. */
export const Email = Type.String({ pattern: '^\\s*[^\\s@\\u0000]{1,64}@[^\\s@\\u0000]{1,189}\\s*$' })

/** A password to be set: the core judges the rest. */
export const NewPassword = Text({ maxLength: longestPassword })

export const Confirmation = Type.Optional(Type.Union([Text({ maxLength: 1000 }), Type.Null()]))

/** A token in the body of a route that takes a cookie as well: what is no text counts as none. */
export const OptionalToken = Type.Optional(Type.Unknown())

/** True when the confirmation says another password; clients of the published types send none. */
export const differs = (password: string, confirmation: string | null | undefined): boolean =>
  typeof confirmation === 'string' && confirmation !== password

/** Text as one line: without control characters, single-spaced. */
const oneLine = (text: string): string =>
  text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .replaceAll(/\s+/g, ' ')

/** The line of a field; null when nothing is left of it, undefined when the field is not there. */
export const lineOf = (text: string | null | undefined): string | null | undefined =>
  typeof text === 'string' ? oneLine(text) || null : text

/** One name of both parts, as mail greets people. Undefined when neither is given. */
export const displayNameOf = (parts: readonly (string | null | undefined)[]): string | undefined =>
  oneLine(parts.join(' ')) || undefined

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** An account's id as it stands in a path, in either case; undefined for what is none, which nobody has. */
export function accountIdOf(text: string): string | undefined {
  const id = text.toLowerCase()
  return uuidPattern.test(id) ? id : undefined
}
