import Type, { type Static } from 'typebox'
import type { IdentityErrorCode } from '../../services/identity/index.ts'

// What they have to be is judged below, so that an answer lists everything that is wrong and not the first.
const fields = {
  email: Type.Optional(Type.Unknown({ description: 'E-mail address, unique without regard to case' })),
  name: Type.Optional(Type.Unknown({ description: 'Text of 2 to 100 characters' })),
  first_name: Type.Optional(Type.Unknown({ description: 'With last_name, in place of name' })),
  last_name: Type.Optional(Type.Unknown()),
  password: Type.Optional(Type.Unknown({ description: 'Text of 8 to 256 characters' })),
  password_confirmation: Type.Optional(Type.Unknown({ description: 'The password again, if at all' })),
}

/** A registration, wrapped in `client` or not. It is one as soon as it has one of the fields. */
export const Registration = Type.Object(
  { client: Type.Optional(Type.Object(fields, { minProperties: 1 })), ...fields },
  { anyOf: ['client', ...Object.keys(fields)].map((name) => ({ required: [name] })) },
)
export type Registration = Static<typeof Registration>

/** What identity is asked for, with what this contract finds wrong by rules of its own. */
export function readRegistration({ client, ...unwrapped }: Registration) {
  const given = client ?? unwrapped
  const displayName = nameOf(given)
  const problems: IdentityErrorCode[] = []
  if (!namePattern.test(displayName)) problems.push('identity.name_invalid')
  if ((given.password_confirmation ?? given.password) !== given.password) problems.push('identity.password_mismatch')
  return { email: text(given.email), displayName, password: text(given.password), problems }
}

/** The address that a registration is for, if it has one. */
export const emailOf = ({ client, email }: Registration): string | undefined =>
  text((client ?? { email }).email) || undefined

/** 2 to 100 characters; control characters are none, and PostgreSQL stores no NUL. */
const namePattern = /^[^\p{Cc}]{2,100}$/u

function nameOf({ name, first_name, last_name }: Omit<Registration, 'client'>): string {
  if (name !== undefined) return text(name).trim()
  return [first_name, last_name]
    .map((part) => text(part).trim())
    .join(' ')
    .trim()
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
