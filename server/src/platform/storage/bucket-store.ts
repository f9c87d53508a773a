import { S3mini, S3ServiceError } from 's3mini'
import { Agent, fetch } from 'undici'
import { refuseAtEdge } from '../errors.ts'
import { checkedKey, type ObjectStore } from './object-store.ts'

/** A bucket of a store that speaks S3. */
export interface BucketSettings {
  /** Where the store listens, without the bucket, which is named in the path. */
  endpoint: string
  bucket: string
  region: string
  accessKey: string
  secretKey: string
}

/**
 * Keeps objects in a bucket, which has to be there. Requests are signed with AWS Signature Version 4.
 * @param deadlineMs milliseconds that one call may take
 */
export function createBucketStore(settings: BucketSettings, deadlineMs = 3_000): ObjectStore {
  const { endpoint, bucket, region, accessKey, secretKey } = settings
  // Connections of its own: bounded, and ended with the process.
  const agent = new Agent({ connections: 16, connect: { timeout: deadlineMs } })
  const send: typeof fetch = (input, init) =>
    // A redirect means another region or another host, which the signature is not for.
    fetch(input, { ...init, dispatcher: agent, redirect: 'error' })
  const s3 = new S3mini({
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    endpoint: `${endpoint}/${bucket}`,
    region,
    requestAbortTimeout: deadlineMs,
    // undici declares the web's types once more, by the same names.
    fetch: send as unknown as typeof globalThis.fetch,
  })
  const available = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      throw refuseAtEdge('edge.unavailable', { store: endpoint }, error)
    }
  }

  return {
    async put(key, bytes, contentType) {
      const name = checkedKey(key)
      await available(async () => {
        const answer = await s3.putObject(name, bytes, contentType)
        await answer.body?.cancel()
      })
    },
    async get(key) {
      const name = checkedKey(key)
      return available(async () => {
        const answer = await s3.getObjectRaw(name).catch(unlessMissing)
        return answer && new Uint8Array(await answer.arrayBuffer())
      })
    },
    async remove(key) {
      const name = checkedKey(key)
      await available(() => s3.deleteObject(name).catch(unlessMissing))
    },
    async ping() {
      await available(async () => {
        if (!(await s3.bucketExists())) throw new Error(`the bucket ${bucket} is not there, or not ours`)
      })
    },
    close: () => agent.close(),
  }
}

/** An object that is missing is no outage; a bucket that is missing, which has the same status, is one. */
function unlessMissing(error: unknown): undefined {
  const missing = error instanceof S3ServiceError && error.status === 404 && !/NoSuchBucket/.test(error.body ?? '')
  if (!missing) throw error
}
