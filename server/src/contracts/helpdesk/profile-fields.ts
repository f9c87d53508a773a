import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import type { Profile } from '../../services/profiles/index.ts'
import { reply } from '../_kit/contract.ts'
import { OptionalText } from '../_kit/schema.ts'
import { invalidField } from './errors.ts'
import { lineOf } from './fields.ts'
import { ChangedPreferences, given, isTimeZone, setPreferences } from './preferences.ts'
import { profileOf } from './user-wire.ts'
import { failure } from './wire.ts'

/** What a change of a profile may carry, and how it is taken. */

// Spaces and control characters around a name do not count; the core never sees them.
const edge = '[\\s\\u0001-\\u001f\\u007f-\\u009f]*'
const visible = '[^\\s\\u0000-\\u001f\\u007f-\\u009f]'

/** 2 to 100 characters; null for none. */
const Name = Type.Optional(
  Type.Union([
    Type.String({ maxLength: 200, pattern: `^${edge}${visible}[^\\u0000]{0,98}${visible}${edge}$` }),
    Type.Null(),
  ]),
)

const Phone = Type.Optional(
  Type.Union([Type.String({ maxLength: 50, pattern: '^\\s*(\\+?[0-9]{1,16})?\\s*$' }), Type.Null()]),
)

/** The body of a change. Empty text clears a field, as null does; what nobody knows is ignored. */
export const ProfileBody = Type.Object({
  firstName: Name,
  lastName: Name,
  phone: Phone,
  department: OptionalText(100),
  jobTitle: OptionalText(100),
  preferences: Type.Optional(ChangedPreferences),
})
type ProfileBody = Type.Static<typeof ProfileBody>

/** The changes that a body asks for; undefined when it has none. */
const changesOf = ({ firstName, lastName, phone, department, jobTitle, preferences }: ProfileBody) =>
  given({
    firstName: lineOf(firstName),
    lastName: lineOf(lastName),
    phone: lineOf(phone),
    department: lineOf(department),
    jobTitle: lineOf(jobTitle),
    preferences: preferences && setPreferences(preferences),
  })
type Changes = NonNullable<ReturnType<typeof changesOf>>

const unknownTimeZone = invalidField('preferences.timezone', "Ce fuseau horaire n'existe pas.")

/**
 * Answers a change of a profile. A body without anything in it is refused; one with nothing but unknown keys, which two clients
 * send, changes nothing.
 */
export async function changed(body: ProfileBody, present: Profile, change: (changes: Changes) => Promise<Profile>) {
  if (Object.keys(body).length === 0) throw new DomainError('profiles.nothing_to_change')
  const { timezone } = body.preferences ?? {}
  if (timezone !== undefined && !isTimeZone(timezone)) return reply(400, failure(unknownTimeZone))
  const changes = changesOf(body)
  const profile = changes ? await change(changes) : present
  return reply(200, { success: true, data: profileOf(profile), message: 'Le profil a été mis à jour.' })
}
