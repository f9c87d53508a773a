import type { AccountSummary } from './accounts-port.ts'
import { type Deps, ownPart, personKey } from './deps.ts'
import { refuse } from './errors.ts'
import { makeProfile } from './make-profile.ts'
import { type Profile, type ProfileRow, profileOf, rolesOf } from './profile.ts'
import * as store from './store/index.ts'
import { tenantNamed } from './visitor.ts'
import { writeProfile } from './write-profile.ts'

/**
 * A person's own profile, remembered until somebody writes. It is made here when the event of the registration has not arrived yet,
 * so it is never late.
 */
export const ownProfile = (deps: Deps) => {
  const read = async (accountId: string) => [
    profileOf((await store.findByAccount(deps.database, accountId)) ?? (await madeNow(deps, accountId))),
  ]
  return async (accountId: string): Promise<Profile> => {
    const [own] = await deps.people.get(personKey(accountId), ownPart, () => read(accountId))
    if (!own) throw refuse('profiles.not_found')
    return own
  }
}

/** The row of an account's profile, made if it has none and with its roles. */
export async function rowOf(deps: Deps, accountId: string): Promise<ProfileRow> {
  const present = await store.findByAccount(deps.database, accountId)
  if (!present) return madeNow(deps, accountId)
  return present.roles === null ? withRoles(deps, present.accountId) : present
}

async function madeNow(deps: Deps, accountId: string): Promise<ProfileRow> {
  const account = await deps.accounts.find(accountId)
  if (!account) throw refuse('profiles.not_found')
  // Nobody knows here by which contract the account came; the event does, and announces.
  return (await makeProfile(deps, account, {})).row
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
