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

/** One name of both parts, as mail greets people: without control characters, single-spaced. Undefined when neither is given. */
export function displayNameOf(parts: readonly (string | null | undefined)[]): string | undefined {
  const words = parts.join(' ').replaceAll(/\p{Cc}+/gu, ' ')
  return words.trim().replaceAll(/\s+/g, ' ') || undefined
}
