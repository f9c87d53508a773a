import type { FastifyInstance } from 'fastify'
import secureJson from 'secure-json-parse'

/** For mounted routes of a contract that takes a missing or unreadable body for an empty object: it never answers 415. */
export function lenientBodies(app: FastifyInstance): void {
  anyMediaType(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, text: string | Buffer) =>
    readable(String(text)),
  )
  app.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {}
    done()
  })
}

/** For contracts that read every body alike: Fastify answers 415 by itself to a media type that is none, such as `;;;`. */
export function anyMediaType(app: FastifyInstance): void {
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    if (headers['content-type'] !== undefined) headers['content-type'] = 'application/json'
    done()
  })
}

/** For forwarded routes: the bytes as they came, up to the limit. */
export function rawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, bytes: string | Buffer) => bytes)
}

/** The JSON of a text, without keys that reach a prototype; an empty object when it is none. */
export function readable(text: string): unknown {
  try {
    return secureJson.parse(text, { protoAction: 'remove', constructorAction: 'remove' })
  } catch {
    return {}
  }
}
