import type { Member } from '../profile.ts'
import { lockProfile } from '../store/index.ts'
import type { AvatarDeps } from './deps.ts'
import { forgetFile, isShown } from './store.ts'

/** Removes the file of an avatar that nobody's profile names any more. What cannot be removed now, the sweep removes later. */
export async function discardAvatar({ database, avatars, log }: AvatarDeps, key: string): Promise<void> {
  try {
    await avatars.remove(key)
    await forgetFile(database, key)
  } catch (error) {
    log.warn({ key, err: error }, 'an avatar could not be removed yet')
  }
}

/** The same, unless the profile of another realm shows it. */
export async function discardUnshown(deps: AvatarDeps, key: string): Promise<void> {
  if (!(await isShown(deps.database, key))) await discardAvatar(deps, key)
}

/** The same for a file whose way to its profile failed, unless it has arrived all the same: a commit can succeed and not say so. */
export async function discardUnused(deps: AvatarDeps, member: Member, key: string): Promise<void> {
  try {
    // Under the row's lock, so that a transaction which is still under way is waited for.
    const profile = await deps.database.transaction((tx) => lockProfile(tx, member))
    if (profile?.avatarKey !== key) await discardAvatar(deps, key)
  } catch (error) {
    deps.log.warn({ key, err: error }, 'an avatar that was not used could not be removed yet')
  }
}
