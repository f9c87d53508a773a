import type { RequestContext } from '../realm/index.ts'
import { activityOf } from './activity.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { type Profile, type ProfileFields, profileOf, textsOf } from './profile.ts'
import { rowFor } from './profile-rows.ts'
import { checkPreferences, writeProfile } from './write-profile.ts'

export interface ChangeOptions {
  /** Who changes it for the person. */
  administrator?: { accountId: string } | undefined
  /** True to refuse an address that another account signs in by. */
  tellTaken?: boolean | undefined
}

/**
 * Changes the given fields of a profile. A new address is shown at once; the account's own, which one signs in and recovers by,
 * follows when the link mailed to the new one is opened.
 */
export const changeProfile =
  (deps: Deps) =>
  async (
    accountId: string,
    fields: ProfileFields,
    context: RequestContext,
    { administrator, tellTaken }: ChangeOptions = {},
  ): Promise<Profile> => {
    const texts = textsOf(fields)
    const given = [...Object.keys(texts), ...(fields.preferences ? ['preferences'] : [])]
    if (given.length === 0) throw refuse('profiles.nothing_to_change')
    const realm = context.realm.name
    const member = { accountId, realm }
    const present = await rowFor(deps, accountId, context)

    // First, so that nothing has changed when something is refused or the accounts cannot be reached.
    await checkPreferences(deps, member, fields.preferences)
    const { email, displayName } = texts
    const by = administrator && administrator.accountId !== accountId ? administrator.accountId : undefined
    if (email && email !== present.email) {
      await deps.accounts.proposeEmail(accountId, email, realm, { tellTaken })
    }
    // What mail greets a person by is theirs to say.
    const renames = by === undefined && displayName && displayName !== present.displayName
    if (renames) await deps.accounts.rename(accountId, displayName)

    const row = await writeProfile(deps, member, () => ({
      to: texts,
      preferences: fields.preferences,
      fact: { realm, fact: by === undefined ? 'changed' : 'changed_by_administrator' },
      activity:
        by === undefined
          ? activityOf('profile_updated', context, { fields: given })
          : activityOf('profile_updated_by_admin', context, { fields: given, by }),
    }))
    return profileOf(row, context)
  }
