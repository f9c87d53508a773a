import type { Queryable } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'
import type { AccountSummary, Membership } from './accounts-port.ts'
import { activityOf } from './activity.ts'
import { type Deps, written } from './deps.ts'
import { refuse } from './errors.ts'
import { type ProfileFields, type ProfileRow, type TextField, textFields, textsOf } from './profile.ts'
import * as store from './store/index.ts'
import { tenantNamed } from './tenant.ts'
import { type Announcing, type Written, writeInside } from './write-profile.ts'

export interface Making {
  account: Omit<AccountSummary, 'memberships'>
  membership: Membership
  fields?: ProfileFields
  /** True to announce the profile, unless that was done already. */
  tells?: boolean
  context?: RequestContext
}

export interface Made extends Written {
  /** False when there was one already. */
  made: boolean
}

/**
 * Makes a member's profile, or completes the one that there is, in a transaction of the caller's. Whoever joins a realm of their own
 * accord brings along what another realm knows of them, once. Undefined when the membership has ended.
 */
export async function makeInside(
  deps: Announcing,
  tx: Queryable,
  { account, membership, fields = {}, tells = false, context }: Making,
): Promise<Made | undefined> {
  const { email = account.email, displayName = account.displayName, ...texts } = textsOf(fields)
  const { realm, role, origin, since } = membership
  const given: store.NewProfile = {
    ...nothing,
    ...texts,
    accountId: account.id,
    realm,
    number: account.number,
    tenant: tenantNamed(account.tenant),
    username: account.username,
    email,
    displayName,
    avatarKey: null,
    preferences: fields.preferences ?? {},
    role,
    memberSince: new Date(since),
  }
  const elsewhere = await store.findElsewhere(tx, given, origin === 'registered' || origin === 'joined')
  // One from before realms was made, and logged, before.
  const activity = elsewhere?.realm === '' ? undefined : activityOf('profile_created', context)
  const made = await store.insertProfile(tx, elsewhere ? along(given, elsewhere) : given, account.createdAt, activity)
  // Announced under the lock of the row, like any change: numbers are given to whoever holds it.
  const done = await writeInside(deps, tx, given, (present) => {
    // An address that was taken away stays away.
    const to = missing(present, { ...given, email: null })
    // Made before anybody was told: it is announced now.
    const fact = tells && present.sequence === 0 ? { realm, fact: 'created' as const } : undefined
    const preferences = made ? undefined : fields.preferences && { ...fields.preferences, ...present.preferences }
    if (Object.keys(to).length === 0 && !fact && !preferences) return undefined
    return { to, preferences, unseen: true, ...(fact && { fact }) }
  })
  return done && { ...done, made }
}

/** The same by itself; whoever reads the profile when this has resolved reads what was made. */
export async function makeProfile(deps: Deps, making: Making): Promise<Made> {
  const done = await deps.database.transaction((tx) => makeInside(deps, tx, making))
  if (!done) throw refuse('profiles.not_found')
  await written(deps, making.account.id, done.emitted)
  return done
}

type Texts = Pick<ProfileRow, TextField>
const nothing = Object.fromEntries(textFields.map((name) => [name, null])) as Record<TextField, null>

/** What is given, and below it what another realm knows; a profile from before realms is what they have had here, and stays that. */
const along = (given: store.NewProfile, elsewhere: ProfileRow): store.NewProfile => ({
  ...given,
  ...(elsewhere.realm === '' ? textsIn(elsewhere) : missing(given, elsewhere)),
  avatarKey: elsewhere.avatarKey,
  preferences: { ...elsewhere.preferences, ...given.preferences },
})

const textsIn = (row: Texts): Partial<Texts> => Object.fromEntries(textFields.map((name) => [name, row[name]]))

/** The texts that one has none of, and the other has. */
function missing(present: Texts, other: Texts): Partial<Texts> {
  const names = textFields.filter((name) => present[name] === null && other[name] !== null)
  return Object.fromEntries(names.map((name) => [name, other[name]]))
}
