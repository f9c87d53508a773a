import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { sha256 } from '../../platform/secrets.ts'
import { referenceScript, referenceStyle } from './client.ts'

interface Asset {
  type: string
  read: () => Promise<Buffer>
}

const scriptType = 'text/javascript; charset=utf-8'
const styleType = 'text/css; charset=utf-8'

/** A file of Swagger UI as the plugin ships it. The plugin itself wants one application for each document. */
const shipped = (name: string) => () =>
  readFile(new URL(`./static/${name}`, import.meta.resolve('@fastify/swagger-ui')))

const assets: Readonly<Record<string, Asset>> = {
  'swagger-ui-bundle.js': { type: scriptType, read: shipped('swagger-ui-bundle.js') },
  'swagger-ui.css': { type: styleType, read: shipped('swagger-ui.css') },
  'favicon-32x32.png': { type: 'image/png', read: shipped('favicon-32x32.png') },
  'reference.js': { type: scriptType, read: async () => Buffer.from(referenceScript) },
  'reference.css': { type: styleType, read: async () => Buffer.from(referenceStyle) },
}

/** Serves the files of the reference. Each is read and compressed once, when it is first asked for: 1.9 MB, 0.5 MB packed. */
export function serveAssets(app: FastifyInstance, urlOf: (name: string) => string): void {
  for (const [name, asset] of Object.entries(assets)) {
    let loading: ReturnType<typeof load> | undefined
    // Compressing 1.7 MB again at each request would take the processor from sign-ins.
    app.get(urlOf(name), { compress: false }, async (request, reply) => {
      loading ??= load(asset)
      const { plain, packed, etag } = await loading.catch((error: unknown) => {
        loading = undefined
        throw error
      })
      reply.headers({ 'cache-control': 'no-cache', etag, vary: 'accept-encoding' }).type(asset.type)
      if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send()
      if (!takesGzip(request.headers['accept-encoding'])) return reply.send(plain)
      return reply.header('content-encoding', 'gzip').send(packed)
    })
  }
}

async function load({ read }: Asset) {
  const plain = await read()
  // Weak: the same for both encodings (RFC 9110, 8.8.1).
  return { plain, packed: await promisify(gzip)(plain), etag: `W/"${sha256(plain).toString('base64url')}"` }
}

const takesGzip = (accepted: string | string[] | undefined): boolean =>
  /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(String(accepted ?? ''))
