import type { Queryable } from '../../platform/db/database.ts'
import type { NewActivity } from './activity.ts'
import { type Deps, written } from './deps.ts'
import { refuse } from './errors.ts'
import { announced } from './events.ts'
import type { ProfileFact } from './facts.ts'
import type { Member, Profile, ProfileRow } from './profile.ts'
import * as store from './store/index.ts'

/** Bytes of the preferences of one profile. */
const mostPreferences = 8 * 1024

/** What is needed to say what a contract announces. */
export type Announcing = Pick<Deps, 'announce' | 'clock'>

/** What becomes of a profile, and what is told and logged of it. */
export interface Change {
  /** What is another than before. */
  to?: Partial<Omit<ProfileRow, 'accountId' | 'realm' | 'preferences' | 'createdAt' | 'updatedAt' | 'sequence'>>
  /** To be laid over the present ones, two levels deep. */
  preferences?: Profile['preferences'] | undefined
  /** Announced as the realm has it. */
  fact?: { realm: string; fact: ProfileFact; role?: string }
  activity?: NewActivity | undefined
  /** True when it is no change that anybody made: the profile stays as old as it is. */
  unseen?: boolean
}

/** What is made of the profile as it is under the lock; undefined to leave it alone. */
export type Decide = (present: ProfileRow) => Change | undefined | Promise<Change | undefined>

/** The profile as it was written, and whether an event tells of it. */
export interface Written {
  row: ProfileRow
  emitted: boolean
}

/** Changes a profile under the lock of its row, in a transaction of the caller's. Undefined when there is none. */
export async function writeInside(
  deps: Announcing,
  tx: Queryable,
  member: Member,
  decide: Decide,
): Promise<Written | undefined> {
  const present = await store.lockProfile(tx, member)
  if (!present) return undefined
  const change = await decide(present)
  if (!change) return { row: present, emitted: false }
  const { to, fact, activity, preferences, unseen } = change
  const next = { ...present, ...to }
  const event = fact && announced(deps, fact.realm, fact.fact, next, fact.role)
  const { size, ...saved } = await store.writeProfile(tx, next, { event, activity, preferences, unseen })
  // Nothing of the transaction is kept then.
  if (preferences && size > mostPreferences) throw refuse('profiles.preferences_too_large')
  return { row: { ...next, ...saved }, emitted: event !== undefined }
}

/** Changes a profile; whoever reads it when this has resolved reads the change. */
export async function writeProfile(deps: Deps, member: Member, decide: Decide): Promise<ProfileRow> {
  const done = await deps.database.transaction((tx) => writeInside(deps, tx, member, decide))
  if (!done) throw refuse('profiles.not_found')
  await written(deps, member.accountId, done.emitted)
  return done.row
}

/** Refuses preferences before anything else is done for them. */
export async function checkPreferences(
  { database }: Deps,
  member: Member | null,
  preferences: Profile['preferences'] | undefined,
): Promise<void> {
  if (!preferences) return
  const size = await store.sizeOfPreferences(database, member, preferences)
  if (size > mostPreferences) throw refuse('profiles.preferences_too_large')
}
