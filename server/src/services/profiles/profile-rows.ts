import type { RequestContext } from '../realm/index.ts'
import type { AccountSummary } from './accounts-port.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { makeProfile } from './make-profile.ts'
import { type ProfileRow, rolesOf } from './profile.ts'
import * as store from './store/index.ts'
import { tenantNamed, tenantOf } from './tenant.ts'
import { writeProfile } from './write-profile.ts'

/**
 * The row of an account's profile, with its roles. It is made here when the event of the registration has not arrived yet, so it is
 * never late.
 */
export async function rowOf(deps: Deps, accountId: string): Promise<ProfileRow> {
  const present = await store.findByAccount(deps.database, accountId)
  if (present) return present.roles === null ? withRoles(deps, present.accountId) : present
  const account = await deps.accounts.find(accountId)
  if (!account) throw refuse('profiles.not_found')
  // Nobody knows here by which contract the account came; the event does, and announces.
  return (await makeProfile(deps, account, {})).row
}

/** The same for a request: one of another tenant is refused like one that does not exist. */
export async function rowFor(deps: Deps, accountId: string, context: RequestContext): Promise<ProfileRow> {
  const tenant = tenantOf(context)
  const row = await rowOf(deps, accountId)
  if (row.tenant !== tenant) throw refuse('profiles.not_found')
  return row
}

/** Asks identity for what a profile from before has to have: tenant, name shown and roles. */
export const withRoles = (deps: Deps, accountId: string): Promise<ProfileRow> =>
  writeProfile(deps, accountId, async (present) => {
    if (present.roles !== null) return undefined
    const account = await deps.accounts.find(accountId)
    return { to: account ? standingOf(present, account) : { roles: {} }, unseen: true }
  })

/** What a profile has by its account alone. */
export const standingOf = (present: ProfileRow, account: AccountSummary) => ({
  tenant: tenantNamed(account.tenant),
  displayName: present.displayName ?? account.displayName,
  roles: rolesOf(account),
})
