import type { ObjectStore } from '../../../platform/storage/object-store.ts'
import type { Deps } from '../deps.ts'

/** What the use cases of avatars are made from. */
export interface AvatarDeps extends Deps {
  /** Where their images are kept. */
  avatars: ObjectStore
  /** Makes the avatar of an image file, when its turn comes. */
  render(path: string): Promise<Uint8Array>
}
