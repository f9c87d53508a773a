import type { RequestContext } from '../../realm/index.ts'
import { activityOf } from '../activity.ts'
import { type Profile, profileOf } from '../profile.ts'
import { rowOf } from '../profile-rows.ts'
import { writeProfile } from '../write-profile.ts'
import type { AvatarDeps } from './deps.ts'
import { discardAvatar } from './discard-avatar.ts'

/** Takes a person's avatar away; where there is none, nothing changes. */
export const removeAvatar =
  (deps: AvatarDeps) =>
  async (accountId: string, context: RequestContext): Promise<Profile> => {
    await rowOf(deps, accountId)
    let before: string | null = null
    const row = await writeProfile(deps, accountId, (present) => {
      before = present.avatarKey
      if (before === null) return undefined
      return {
        to: { avatarKey: null },
        fact: { contract: context.realm.name, fact: 'avatar_removed' },
        activity: activityOf('avatar_deleted', context),
      }
    })
    if (before !== null) await discardAvatar(deps, before)
    return profileOf(row, context)
  }
