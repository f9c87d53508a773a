import type { Queryable } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'
import type { AccountSummary } from './accounts-port.ts'
import { activityOf } from './activity.ts'
import { type Deps, written } from './deps.ts'
import { refuse } from './errors.ts'
import { announced } from './events.ts'
import { type ProfileFields, type ProfileRow, rolesOf, type TextField, textFields, textsOf } from './profile.ts'
import * as store from './store/index.ts'
import { tenantNamed } from './tenant.ts'
import { type Announcing, type Written, writeInside } from './write-profile.ts'

export interface Making {
  fields?: ProfileFields
  /** The contract that the account came by, where it is known: it announces the profile. */
  contract?: string | undefined
  context?: RequestContext
}

export interface Made extends Written {
  /** False when there was one already. */
  made: boolean
}

/** Makes the profile of an account, or completes the one it has, in a transaction of the caller's. Undefined when it was removed. */
export async function makeInside(
  deps: Announcing,
  tx: Queryable,
  account: AccountSummary,
  { fields = {}, contract, context }: Making,
): Promise<Made | undefined> {
  const { email = account.email, displayName = account.displayName, ...texts } = textsOf(fields)
  const row = {
    ...nothing,
    ...texts,
    accountId: account.id,
    number: account.number,
    tenant: tenantNamed(account.tenant),
    username: account.username,
    email,
    displayName,
    preferences: fields.preferences ?? {},
    roles: rolesOf(account),
  }
  const event = contract === undefined ? undefined : announced(deps, contract, 'created', row)
  const activity = activityOf('profile_created', context)
  const inserted = await store.insertProfile(tx, row, { event, activity, createdAt: account.createdAt })
  if (inserted) {
    const made = { ...row, ...inserted, avatarKey: null, updatedAt: null }
    return { row: made, made: true, emitted: event !== undefined }
  }
  const completed = await writeInside(deps, tx, account.id, (present) => {
    const to = { ...missing(present, row), ...(present.roles === null && { roles: row.roles, tenant: row.tenant }) }
    // Made before anybody could know by which contract the account came: it is announced now.
    const fact = contract !== undefined && present.sequence === 0 ? { contract, fact: 'created' as const } : undefined
    const preferences = fields.preferences && { ...fields.preferences, ...present.preferences }
    if (Object.keys(to).length === 0 && !fact && !preferences) return undefined
    return { to, preferences, unseen: true, ...(fact && { fact }) }
  })
  return completed && { ...completed, made: false }
}

/** The same by itself; whoever reads the profile when this has resolved reads what was made. */
export async function makeProfile(deps: Deps, account: AccountSummary, making: Making): Promise<Made> {
  const done = await deps.database.transaction((tx) => makeInside(deps, tx, account, making))
  if (!done) throw refuse('profiles.not_found')
  await written(deps, account.id, done.emitted)
  return done
}

const nothing = Object.fromEntries(textFields.map((name) => [name, null])) as Record<TextField, null>

/** What a profile has none of and now gets: what is given twice is taken once. */
function missing(present: ProfileRow, row: store.NewProfile): Partial<ProfileRow> {
  // An address that was taken away stays away.
  const names = textFields.filter((name) => name !== 'email' && present[name] === null && row[name] !== null)
  return Object.fromEntries(names.map((name) => [name, row[name]]))
}
