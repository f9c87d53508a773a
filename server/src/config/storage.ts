import { join } from 'node:path'
import type { ObjectStoreSettings } from '../platform/storage/open-object-store.ts'
import type { Reader } from './environment.ts'

const required = ['GUICHET_S3_ENDPOINT', 'GUICHET_S3_BUCKET', 'GUICHET_S3_ACCESS_KEY', 'GUICHET_S3_SECRET_KEY'] as const
const group = [...required, 'GUICHET_S3_REGION'] as const

/** The rule of S3 for names of buckets. */
const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const regionName = /^[a-z0-9-]{1,50}$/

/** Where avatars are kept: in the data folder, or in a bucket as soon as anything of one is set. */
export function readAvatarStore(read: Reader, dataDir: string): ObjectStoreSettings {
  if (group.every((name) => read.text(name) === undefined)) return { directory: join(dataDir, 'avatars') }
  const missing = required.filter((name) => read.text(name) === undefined)
  if (missing.length > 0) {
    read.problems.push(
      `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing: set all of ${required.join(', ')}, or none.`,
    )
  }
  return {
    endpoint: read.url('GUICHET_S3_ENDPOINT') ?? '',
    bucket: named(read, 'GUICHET_S3_BUCKET', bucketName, 'the name of a bucket like guichet-avatars') ?? '',
    region: named(read, 'GUICHET_S3_REGION', regionName, 'a region like us-east-1') ?? 'us-east-1',
    accessKey: read.text('GUICHET_S3_ACCESS_KEY') ?? '',
    secretKey: read.text('GUICHET_S3_SECRET_KEY') ?? '',
  }
}

/** Bytes that an uploaded file may have. */
export const readUploadMaxBytes = (read: Reader): number =>
  read.bytes('GUICHET_UPLOAD_MAX_BYTES', { fallback: 5 * 1_024 ** 2, min: 1_024, max: 50 * 1_024 ** 2 })

function named(read: Reader, name: string, form: RegExp, wanted: string): string | undefined {
  const value = read.text(name)
  if (value !== undefined && !form.test(value)) read.problems.push(`${read.called(name)} must be ${wanted}.`)
  return value
}
