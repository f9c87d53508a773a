import { newSecret } from '../../../platform/ids.ts'
import type { RequestContext } from '../../realm/index.ts'
import { activityOf } from '../activity.ts'
import { type Profile, type ProfileRow, profileOf } from '../profile.ts'
import { rowOf } from '../profile-rows.ts'
import { writeProfile } from '../write-profile.ts'
import type { AvatarDeps } from './deps.ts'
import { discardUnshown, discardUnused } from './discard-avatar.ts'
import { noteFile } from './store.ts'

/** A file that somebody sent: where it lies, and its bytes. */
export interface AvatarUpload {
  path: string
  bytes: number
}

/** A name that nobody guesses: 32 hexadecimal digits. */
const newAvatarKey = (): string => Buffer.from(newSecret(16), 'base64url').toString('hex')

/**
 * Makes an image the avatar of a person. The one before goes only when this one is in its place; of two that come at once, the later
 * one stays.
 */
export const changeAvatar =
  (deps: AvatarDeps) =>
  async (accountId: string, upload: AvatarUpload, context: RequestContext): Promise<Profile> => {
    const { database, avatars, render } = deps
    // First, since it may have to be made, and nothing is done for somebody who was deleted.
    const realm = context.realm.name
    const member = { accountId, realm }
    await rowOf(deps, member)
    const image = await render(upload.path)

    const key = newAvatarKey()
    // By this note the sweep finds what a store kept that did not say so in time.
    await noteFile(database, key, accountId)
    await avatars.put(key, image, 'image/jpeg')
    let row: ProfileRow
    let before: string | null = null
    try {
      row = await writeProfile(deps, member, (present) => {
        before = present.avatarKey
        return {
          to: { avatarKey: key },
          fact: { realm, fact: 'avatar_changed' },
          activity: activityOf('avatar_uploaded', context),
        }
      })
    } catch (error) {
      await discardUnused(deps, member, key)
      throw error
    }
    if (before !== null) await discardUnshown(deps, before)
    return profileOf(row, context)
  }
