import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What a request says that is signed by AWS Signature Version 4, as it came. */
export interface SignedRequest {
  method: string
  /** Path and query. */
  target: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** The signature that a request must have, by the steps that AWS documents for the header `Authorization`. */
export function signatureOf({ method, target, headers }: SignedRequest, secretKey: string): string {
  const { scope, signedHeaders } = authorizationOf(headers)
  const [path = '', query = ''] = target.split('?', 2)
  const canonicalQuery = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&')
  const canonicalHeaders = signedHeaders.map(
    (name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}\n`,
  )
  const canonical = [
    method,
    path,
    canonicalQuery,
    canonicalHeaders.join(''),
    signedHeaders.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secretKey}`)
  return hmac(key as Buffer, text).toString('hex')
}

function authorizationOf(headers: SignedRequest['headers']) {
  const [, accessKey = '', scope = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      String(headers.authorization),
    ) ?? []
  return { accessKey, scope, signedHeaders: names.split(';'), signature }
}

/** One bucket of an S3 store, in memory: it takes nothing that is not signed correctly. */
export interface BucketServer {
  endpoint: string
  bucket: string
  region: string
  accessKey: string
  secretKey: string
  /** What lies in it, by key. */
  objects: Map<string, { bytes: Buffer; contentType: string | undefined }>
  /** What it does from now on: `answer`, `fail` with 500, `stall` without an answer, or `stall in the body` of an answer. */
  behaves: 'answer' | 'fail' | 'stall' | 'stall in the body'
  close(): Promise<void>
}

const allowedSkewMs = 15 * 60_000

export async function startBucketServer(): Promise<BucketServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const store: BucketServer = {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: 'pictures',
    region: 'eu-west-3',
    accessKey: 'AKIAEXAMPLE',
    secretKey: 'a secret / with + other characters',
    objects: new Map(),
    behaves: 'answer',
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const fail = (status: number, code: string) =>
      response
        .writeHead(status, { 'content-type': 'application/xml' })
        .end(request.method === 'HEAD' ? '' : `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`)
    if (store.behaves === 'stall') return
    if (store.behaves === 'fail') return void fail(500, 'InternalError')
    const domainError = errorCodeOf(request, body)
    if (domainError) return void fail(403, domainError)

    const [, bucket, key = ''] = /^\/([^/?]+)(?:\/([^?]*))?/.exec(request.url ?? '') ?? []
    if (bucket !== store.bucket) return void fail(404, 'NoSuchBucket')
    const found = store.objects.get(key)
    switch (`${request.method} ${key === '' ? 'bucket' : 'object'}`) {
      case 'HEAD bucket':
        return void response.writeHead(200).end()
      case 'PUT object':
        store.objects.set(key, { bytes: body, contentType: request.headers['content-type'] })
        return void response.writeHead(200, { etag: `"${sha256(body)}"` }).end()
      case 'GET object':
        if (!found) return void fail(404, 'NoSuchKey')
        response.writeHead(200, { 'content-length': found.bytes.length })
        if (store.behaves === 'stall in the body') return void response.write(found.bytes.subarray(0, 1))
        return void response.end(found.bytes)
      case 'DELETE object':
        store.objects.delete(key)
        return void response.writeHead(204).end()
      default:
        return void fail(405, 'MethodNotAllowed')
    }
  }

  function errorCodeOf({ method = '', url: target = '', headers }: IncomingMessage, body: Buffer): string | undefined {
    const { accessKey, scope, signedHeaders, signature } = authorizationOf(headers)
    const [date, region, service, end] = scope.split('/')
    const stated = String(headers['x-amz-date'])
    const at = Date.parse(stated.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
    const hash = headers['x-amz-content-sha256']
    if (accessKey !== store.accessKey) return 'InvalidAccessKeyId'
    if (region !== store.region || service !== 's3' || end !== 'aws4_request') return 'AuthorizationHeaderMalformed'
    if (!(Math.abs(Date.now() - at) < allowedSkewMs) || date !== stated.slice(0, 8)) return 'RequestTimeTooSkewed'
    for (const name of ['host', 'x-amz-date', 'x-amz-content-sha256']) {
      if (!signedHeaders.includes(name)) return 'AccessDenied'
    }
    if (hash !== 'UNSIGNED-PAYLOAD' && hash !== sha256(body)) return 'XAmzContentSHA256Mismatch'
    return signature === signatureOf({ method, target, headers }, store.secretKey) ? undefined : 'SignatureDoesNotMatch'
  }

  return store
}
