import type { RequestContext } from '../../realm/index.ts'
import { activityOf } from '../activity.ts'
import { type Profile, profileOf } from '../profile.ts'
import { rowOf } from '../profile-rows.ts'
import { writeProfile } from '../write-profile.ts'
import type { AvatarDeps } from './deps.ts'
import { discardUnshown } from './discard-avatar.ts'

/** Takes a person's avatar away; where there is none, nothing changes. */
export const removeAvatar =
  (deps: AvatarDeps) =>
  async (accountId: string, context: RequestContext): Promise<Profile> => {
    const realm = context.realm.name
    const member = { accountId, realm }
    await rowOf(deps, member)
    let before: string | null = null
    const row = await writeProfile(deps, member, (present) => {
      before = present.avatarKey
      if (before === null) return undefined
      return {
        to: { avatarKey: null },
        fact: { realm, fact: 'avatar_removed' },
        activity: activityOf('avatar_deleted', context),
      }
    })
    if (before !== null) await discardUnshown(deps, before)
    return profileOf(row, context)
  }
