import type { RequestContext } from '../realm/index.ts'
import { activityOf } from './activity.ts'
import type { Deps } from './deps.ts'
import { type Profile, type ProfileRow, profileOf, roleOf } from './profile.ts'
import { rowFor } from './profile-rows.ts'
import { type Change, writeProfile } from './write-profile.ts'

/** Gives an account a role in the realm of the request: identity judges whether it may be given, and by whom. */
export const changeRole =
  (deps: Deps) =>
  async (
    accountId: string,
    role: string,
    { accountId: by }: { accountId: string },
    context: RequestContext,
  ): Promise<Profile> => {
    const realm = context.realm.name
    const before = await rowFor(deps, accountId, context)
    await deps.accounts.changeRole(accountId, role, by, realm)
    const changed = roleOf(before, context) !== role
    const activity = changed ? activityOf('role_changed', context, { role, by }) : undefined
    const row = await writeProfile(deps, { accountId, realm }, (present) => {
      const change = changeOfRole(present, role)
      return change || activity ? { ...change, activity } : undefined
    })
    return profileOf(row, context)
  }

/** The change to a role; undefined when the profile shows it already. It is told by whoever writes it, so it is told once. */
export const changeOfRole = ({ realm, role: present }: ProfileRow, role: string): Change | undefined =>
  present === role ? undefined : { to: { role }, fact: { realm, fact: 'role_changed', role } }
