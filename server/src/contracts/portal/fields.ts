import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import { emailPattern, type IdentityErrorCode } from '../../services/identity/index.ts'
import { roles } from './realm.ts'

/**
 * The fields of the portal's bodies. What they have to be is judged here and not by the schema, so that an answer lists everything
 * that is wrong and not the first. Null counts as absent.
 */

const described = (description: string) => Type.Optional(Type.Unknown({ description }))

export const fields = {
  name: described('Text of 1 to 100 characters'),
  email: described('E-mail address, unique without regard to case'),
  password: described('Text of 12 to 256 characters, with upper and lower case, a digit and a special character'),
  role: described(`One of ${roles.join(', ')}`),
  refreshToken: described('The refresh token, where it is not in a cookie'),
} as const
type Fields = { readonly [Name in keyof typeof fields]?: unknown }

/** An address at a domain that has a dot. */
const readEmail = (text: string) => (emailPattern.test(text) && /@.+\./.test(text) ? text : undefined)

/** Control characters are none; PostgreSQL stores no NUL. */
const namePattern = /^[^\p{Cc}]{1,100}$/u

const textMatching = (value: string, pattern: RegExp) => (pattern.test(value) ? value : undefined)

const rules = {
  name: {
    read: (value) => textMatching(text(value).trim().toWellFormed(), namePattern),
    problem: 'identity.name_invalid',
  },
  email: {
    read: (value) => readEmail(text(value).trim().toLowerCase()),
    problem: 'identity.email_invalid',
  },
  role: { read: (value) => roles.find((role) => role === value), problem: 'identity.unknown_role' },
} as const satisfies Record<string, Rule>

interface Rule {
  /** The value as it is kept; undefined for what is not acceptable. */
  read(value: unknown): string | undefined
  problem: IdentityErrorCode
}

/** What a body says of a user, and everything that is wrong with that. */
interface Given extends Partial<Record<keyof typeof rules, string | undefined>> {
  problems: IdentityErrorCode[]
}

/** @param required what may not be absent; what is there has to be acceptable in any case */
export function readFields(body: Fields, ...required: (keyof typeof rules)[]): Given {
  const problems: IdentityErrorCode[] = []
  const readField = (name: keyof typeof rules) => {
    const { read, problem } = rules[name]
    if (isAbsent(body[name]) && !required.includes(name)) return undefined
    const value = read(body[name])
    if (value === undefined) problems.push(problem)
    return value
  }
  return { name: readField('name'), email: readField('email'), role: readField('role'), problems }
}

/** The same, refused with everything that is wrong with it. */
export function acceptFields(body: Fields, ...required: (keyof typeof rules)[]): Omit<Given, 'problems'> {
  const { problems, ...given } = readFields(body, ...required)
  if (problems[0]) throw new DomainError(problems[0], { problems })
  return given
}

/** A password to be set, which identity judges: undefined when there is none, empty when it is no text. */
export const newPassword = ({ password }: Fields): string | undefined =>
  isAbsent(password) ? undefined : text(password)

const isAbsent = (value: unknown): boolean => value === undefined || value === null

/** The text that a field is; empty when it is none. */
export const text = (value: unknown): string => (typeof value === 'string' ? value : '')
