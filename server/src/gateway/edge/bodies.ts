import type { FastifyInstance, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify'
import secureJson from 'secure-json-parse'
import type { Contract, Route } from '../../contracts/_kit/contract.ts'
import { isForm } from './upload.ts'

/**
 * For mounted routes of a contract that takes a missing body for an empty object, and one of any media type for JSON: it never
 * answers 415. What cannot be read is an empty object too, or is refused where a route needs it.
 */
export function lenientBodies(app: FastifyInstance, unreadable: 'empty' | 'refused'): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, async (request: FastifyRequest, text: string | Buffer) => {
    const { route } = request.routeOptions.config as { route?: Route }
    const refuses = unreadable === 'refused' && route?.body !== undefined && !route.bodyOptional
    return refuses ? readOrRefuse(String(text)) : readable(String(text))
  })
  forRoutesWithBodies(app, (route) => {
    route.onRequest = [anyMediaType, ...[route.onRequest ?? []].flat()]
    route.preValidation = [
      (request, _reply, done) => {
        request.body ??= {}
        done()
      },
      ...[route.preValidation ?? []].flat(),
    ]
  })
}

/** For mounted routes of a contract that wants JSON: a body without bytes is none, whatever type is stated for it. */
export function strictBodies(app: FastifyInstance): void {
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    if (headers['content-length'] === '0') delete headers['content-type']
    done()
  })
}

/** For forwarded routes: the bytes as they came, up to the limit, whatever they call themselves if the contract does not care. */
export function rawBodies(app: FastifyInstance, bodies: Contract['bodies']): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, bytes: string | Buffer) => bytes)
  if (bodies === 'strict') return
  forRoutesWithBodies(app, (route) => {
    route.onRequest = [anyMediaType, ...[route.onRequest ?? []].flat()]
  })
}

/** For routes that take a file: the body stays where it is until their handlers read it, whatever it calls itself. */
export function uploadBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => done(null))
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    if (!isForm(headers)) headers['content-type'] = 'application/octet-stream'
    done()
  })
}

/** Fastify answers 415 by itself to a media type that is none, such as `;;;`. */
const anyMediaType: onRequestHookHandler = ({ headers }, _reply, done) => {
  if (headers['content-type'] !== undefined) headers['content-type'] = 'application/json'
  done()
}

/** Changes the routes of a scope, before they are added, that read a body at all. */
function forRoutesWithBodies(app: FastifyInstance, change: (route: RouteOptions) => void): void {
  app.addHook('onRoute', (route) => {
    if (!/^(GET|HEAD)$/.test(String(route.method))) change(route)
  })
}

/** The JSON of a text, without keys that reach a prototype. */
const parse = (text: string): unknown => secureJson.parse(text, { protoAction: 'remove', constructorAction: 'remove' })

/** The JSON of a text; an empty object when it is none. */
export function readable(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return {}
  }
}

/** Refuses what is no JSON as a validation error of the whole body, whose keyword no schema has: `json`. */
function readOrRefuse(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return parse(text)
  } catch (cause) {
    const validation = [{ keyword: 'json', instancePath: '', params: {}, message: 'is not JSON' }]
    throw Object.assign(new Error('the body is not JSON', { cause }), {
      statusCode: 400,
      validationContext: 'body',
      validation,
    })
  }
}

/** For pages: what a browser's form sends, whatever it calls itself. */
export function formBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, text: string | Buffer) =>
    Object.fromEntries(new URLSearchParams(String(text))),
  )
  forRoutesWithBodies(app, (route) => {
    route.onRequest = [anyMediaType, ...[route.onRequest ?? []].flat()]
  })
}
