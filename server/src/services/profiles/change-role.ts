import { activityOf } from './activity.ts'
import type { Deps } from './deps.ts'
import { type Profile, type ProfileRow, profileOf, roleOf } from './profile.ts'
import { rowFor } from './profile-rows.ts'
import type { Visitor } from './visitor.ts'
import { type Change, writeProfile } from './write-profile.ts'

/** Gives an account a role in the visitor's contract: identity judges whether it may be given, and by whom. */
export const changeRole =
  (deps: Deps) =>
  async (
    accountId: string,
    role: string,
    { accountId: by }: { accountId: string },
    visitor: Visitor,
  ): Promise<Profile> => {
    const { name: contract } = visitor.terms
    const before = await rowFor(deps, accountId, visitor)
    await deps.accounts.changeRole(accountId, role, by, contract)
    const changed = roleOf(before, visitor) !== role
    const activity = changed ? activityOf('role_changed', visitor, { role, by }) : undefined
    const row = await writeProfile(deps, accountId, (present) => {
      const change = changeOfRole(present, contract, role)
      return change || activity ? { ...change, activity } : undefined
    })
    return profileOf(row, visitor)
  }

/** The change to a role; undefined when the profile shows it already. It is told by whoever writes it, so it is told once. */
export const changeOfRole = (present: ProfileRow, contract: string, role: string): Change | undefined =>
  present.roles?.[contract] === role
    ? undefined
    : { to: { roles: { ...present.roles, [contract]: role } }, fact: { contract, fact: 'role_changed', role } }
