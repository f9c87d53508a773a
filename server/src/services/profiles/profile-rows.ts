import type { RequestContext } from '../realm/index.ts'
import type { AccountSummary, Membership } from './accounts-port.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { makeProfile } from './make-profile.ts'
import type { Member, ProfileRow } from './profile.ts'
import * as store from './store/index.ts'
import { tenantOf } from './tenant.ts'

/** A member's row. It is made here when the event of the membership has not arrived yet, so it is never late. */
export async function rowOf(deps: Deps, member: Member): Promise<ProfileRow> {
  const present = await store.findProfile(deps.database, member)
  if (present) return present
  const account = await deps.accounts.find(member.accountId)
  if (!account) throw refuse('profiles.not_found')
  // What the person was called when they came only the event knows, which announces the profile too.
  return (await makeProfile(deps, { account, membership: membershipIn(account, member.realm) })).row
}

/** What the account is in the realm; refused like nobody when that is nothing. */
export function membershipIn({ memberships }: AccountSummary, realm: string): Membership {
  const found = memberships.find((one) => one.realm === realm)
  if (!found) throw refuse('profiles.not_found')
  return found
}

/** The same for a request: one of another tenant is refused like one that does not exist. */
export async function rowFor(deps: Deps, accountId: string, context: RequestContext): Promise<ProfileRow> {
  const tenant = tenantOf(context)
  const row = await rowOf(deps, { accountId, realm: context.realm.name })
  if (row.tenant !== tenant) throw refuse('profiles.not_found')
  return row
}
