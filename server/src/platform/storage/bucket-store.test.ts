import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BucketServer, signatureOf, startBucketServer } from '../../../tests/support/bucket-server.ts'
import { objectStoreConformance } from '../testing/object-store.conformance.ts'
import { createBucketStore } from './bucket-store.ts'

/** More than a busy machine takes for an answer. */
const deadlineMs = 1_000

for (const failure of ['fail', 'stall'] as const) {
  objectStoreConformance(`a bucket whose server can ${failure}`, async () => {
    const server = await startBucketServer()
    const store = createBucketStore(server, deadlineMs)
    return {
      store,
      again: () => createBucketStore(server, deadlineMs),
      async goAway() {
        server.behaves = failure
      },
      async comeBack() {
        server.behaves = 'answer'
      },
      async close() {
        await store.close()
        await server.close()
      },
    }
  })
}

describe('a bucket', () => {
  let server: BucketServer
  beforeAll(async () => {
    server = await startBucketServer()
  })
  afterAll(() => server.close())

  const key = () => randomBytes(16).toString('hex')
  const unavailable = { code: 'edge.unavailable' }

  test('the server of these tests signs as the documents of AWS do', () => {
    const request = {
      method: 'GET',
      target: '/test.txt',
      headers: {
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
          `SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=${'0'.repeat(64)}`,
        host: 'examplebucket.s3.amazonaws.com',
        range: 'bytes=0-9',
        'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'x-amz-date': '20130524T000000Z',
      },
    }
    expect(signatureOf(request, 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    )
  })

  test.each([
    ['secret', { secretKey: 'another one' }],
    ['access key', { accessKey: 'AKIAANOTHER' }],
    ['region', { region: 'us-east-1' }],
    ['bucket', { bucket: 'others' }],
  ])('with a wrong %s nothing is kept and nothing is found', async (_what, wrong) => {
    const store = createBucketStore({ ...server, ...wrong }, deadlineMs)
    const before = server.objects.size
    await expect(store.put(key(), randomBytes(3), 'image/jpeg')).rejects.toMatchObject(unavailable)
    await expect(store.get(key())).rejects.toMatchObject(unavailable)
    await expect(store.remove(key())).rejects.toMatchObject(unavailable)
    await expect(store.ping()).rejects.toMatchObject(unavailable)
    expect(server.objects.size).toBe(before)
    await store.close()
  })

  test('objects have the type that was stated, and the key for a name', async () => {
    const store = createBucketStore(server, deadlineMs)
    const name = key()
    await store.put(name, Buffer.from('a picture'), 'image/jpeg')
    expect(server.objects.get(name)).toEqual({ bytes: Buffer.from('a picture'), contentType: 'image/jpeg' })
    await store.close()
  })

  test('an answer that stops in its middle is given up in time', async () => {
    const store = createBucketStore(server, deadlineMs)
    const name = key()
    await store.put(name, randomBytes(100_000), 'image/jpeg')
    server.behaves = 'stall in the body'
    const start = performance.now()
    await expect(store.get(name)).rejects.toMatchObject(unavailable)
    expect(performance.now() - start).toBeLessThan(deadlineMs * 3)
    server.behaves = 'answer'
    expect(await store.get(name)).toHaveLength(100_000)
    await store.close()
  })

  test('a server that nobody runs is an outage', async () => {
    const store = createBucketStore({ ...server, endpoint: 'http://127.0.0.1:1' }, deadlineMs)
    await expect(store.get(key())).rejects.toMatchObject(unavailable)
    await store.close()
  })
})
