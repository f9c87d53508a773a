import { createSemaphore } from '../../../platform/semaphore.ts'
import { busy } from '../errors.ts'
import { changeAvatar } from './change-avatar.ts'
import type { AvatarDeps } from './deps.ts'
import { discardAvatar } from './discard-avatar.ts'
import { readAvatar } from './read-avatar.ts'
import { removeAvatar } from './remove-avatar.ts'
import { renderApart } from './render-apart.ts'
import { startAvatarSweep } from './sweep-avatars.ts'

/** Milliseconds: long enough for a few dozen who come at once, shorter than what browsers and proxies wait for an answer. */
const usualWaitMs = 20_000
/** Those who wait at most; their files lie on disk meanwhile. */
const mostWaiting = 32

export type { AvatarUpload } from './change-avatar.ts'

/** People's avatars, with what removes those that are left over. */
export function openAvatars(appContext: Omit<AvatarDeps, 'render'>, imageWaitMs = usualWaitMs) {
  const stopping = new AbortController()
  // An image can take the memory of a thousand requests, and all of a processor.
  const turns = createSemaphore({ atOnce: 2, capacity: mostWaiting, waitMs: imageWaitMs, busy })
  const deps: AvatarDeps = { ...appContext, render: (path) => turns.run(() => renderApart(path, stopping.signal)) }
  const sweep = startAvatarSweep(deps)
  return {
    change: changeAvatar(deps),
    remove: removeAvatar(deps),
    read: readAvatar(deps),
    /** To be called with the key that a profile had which was removed. */
    discard: (key: string) => discardAvatar(deps, key),
    /** To be called when profiles were removed whose keys are not known. */
    lookForOrphans: sweep.wake,
    async close() {
      stopping.abort()
      await sweep.stop()
    },
  }
}
