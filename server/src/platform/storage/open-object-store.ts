import { type BucketSettings, createBucketStore } from './bucket-store.ts'
import { createDirectoryStore } from './directory-store.ts'
import type { ObjectStore } from './object-store.ts'

/** Where objects are kept: in a directory of this machine, or in a bucket. */
export type ObjectStoreSettings = { directory: string } | BucketSettings

/** Opens the configured store. Nothing is made or asked before its first use. */
export const openObjectStore = (settings: ObjectStoreSettings): ObjectStore =>
  'directory' in settings ? createDirectoryStore(settings.directory) : createBucketStore(settings)
