import { LRUCache } from 'lru-cache'
import { refuse } from '../errors.ts'
import type { AvatarDeps } from './deps.ts'
import { isShown } from './store.ts'

/** Bytes of images that are remembered: some hundreds of avatars. */
const cachedBytes = 8 * 1_024 ** 2

/**
 * The image of an avatar, a JPEG, by its key. Whoever knows the key may see it, as long as it is somebody's avatar: that is asked
 * each time, so that a removed one is gone in all processes at once, and only the bytes are cached.
 */
export function readAvatar({ database, avatars, log }: Pick<AvatarDeps, 'database' | 'avatars' | 'log'>) {
  const cached = new LRUCache<string, Uint8Array>({
    maxSize: cachedBytes,
    sizeCalculation: ({ length }) => Math.max(length, 1),
  })
  return async (key: string): Promise<Uint8Array> => {
    if (!(await isShown(database, key))) {
      cached.delete(key)
      throw refuse('profiles.not_found')
    }
    const known = cached.get(key)
    if (known) return known
    const image = await avatars.get(key)
    if (!image) {
      log.error({ key }, 'the image of an avatar is missing from its store')
      throw refuse('profiles.not_found')
    }
    cached.set(key, image)
    return image
  }
}
