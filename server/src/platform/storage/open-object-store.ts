import type { BucketSettings } from './bucket-store.ts'
import { createDirectoryStore } from './directory-store.ts'
import type { ObjectStore } from './object-store.ts'

/** Where objects are kept: in a directory of this machine, or in a bucket. */
export type ObjectStoreSettings = { directory: string } | BucketSettings

/** Opens the configured store. Nothing is made or asked before its first use. */
export async function openObjectStore(settings: ObjectStoreSettings): Promise<ObjectStore> {
  if ('directory' in settings) return createDirectoryStore(settings.directory)
  const { createBucketStore } = await import('./bucket-store.ts')
  return createBucketStore(settings)
}
