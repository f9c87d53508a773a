import type { FastifyInstance, FastifyReply, FastifyRequest, preValidationHookHandler } from 'fastify'
import type { Contract, Route, RouteInput } from '../../contracts/_kit/contract.ts'
import { cookieValues } from '../../contracts/_kit/cookies.ts'
import { memoizedText } from '../../contracts/_kit/memoize.ts'
import { pageHeaders } from '../../contracts/_kit/pages/layout.ts'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { Edge } from './index.ts'
import type { Uploads } from './upload.ts'

/** The requests' handlers see what `edge` found out before them. */
type AnyInput = RouteInput<unknown, unknown, unknown>

/**
 * Mounts one route where its service runs: validate, call the handler, answer with a declared status.
 * @param url the route's own path, or the same below the internal prefix
 */
export function mountRoute(
  app: FastifyInstance,
  options: { contract: Contract; route: Route; url: string; service: unknown; edge: Edge; uploads: Uploads },
) {
  const { contract, route, url, service, edge, uploads } = options
  const { method, body, query, params, replies, page, html, upload: rules } = route
  // Tokens, and what concerns one person (RFC 6749, 5.1).
  const personal = route.access !== 'public' || route.service === 'identity'
  // Typed where the route was declared: `service` and the parts are what its handler was checked against.
  const handler = route.handler as (service: unknown, input: AnyInput) => Promise<Answered>

  const { verify } = edge.verifierOf(contract)

  app.route({
    method,
    url,
    bodyLimit: contract.bodyLimit,
    schema: {
      ...(body && { body }),
      ...(query && { querystring: query }),
      ...(params && { params }),
      ...(!html && { response: replies }),
    },
    config: { endpoint: route.url, route, contract, prefix: url.slice(0, url.length - route.url.length) },
    onRequest: edge.beforeBody(contract, route),
    preHandler: edge.afterBody(contract, route),
    onResponse: edge.afterAnswer(contract, route),
    ...(page && { preValidation: pageForBrowsers(page) }),
    async handler(request: FastifyRequest, reply: FastifyReply) {
      const context = edge.contextOf(request)
      const { claims } = context
      const input: Omit<AnyInput, 'upload'> = {
        body: request.body,
        query: request.query,
        params: request.params,
        context,
        // Routes for the public are declared without claims and do not read them.
        claims: claims as AnyInput['claims'],
        cookies: (name) => cookieValues(request.headers.cookie, name),
        header: (name) => headerOf(request, name),
        idempotency: route.idempotent && claims ? idempotencyOf(request, options, claims.uid) : undefined,
        verify,
        secure: edge.devices.secure,
      }
      const answer = rules
        ? await uploads.receive(request, rules, (upload) => handler(service, { ...input, upload }))
        : // Routes without a file are declared without one and do not read it.
          await handler(service, input as AnyInput)
      if (!(answer.status in replies)) throw new Error(`${method} ${route.url} answered an undeclared ${answer.status}`)
      reply.code(answer.status)
      if (personal) reply.header('cache-control', 'no-store')
      if (answer.headers) reply.headers(answer.headers)
      if (route.signsIn && answer.status < 300) reply.header('set-cookie', edge.devices.keep(context.device))
      if (route.bytes && answer.headers?.['content-type']) return reply.send(bytesOf(answer.body))
      if (route.html) return reply.headers(pageHeaders).type('text/html; charset=utf-8').send(answer.body)
      const text = memoizedText(answer.body, (body) => String(reply.serializeInput(body, String(answer.status))))
      return text === undefined ? reply.send(answer.body) : reply.type('application/json; charset=utf-8').send(text)
    },
  })
}

/** As bytes, a text is not taken for a value that has yet to be serialised. */
const bytesOf = (body: unknown): Buffer =>
  body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : Buffer.from(String(body))

/** A header that may be stated once; of several, all of them in one text (RFC 9110, 5.3). */
function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

interface Answered {
  status: number
  body: unknown
  headers?: Readonly<Record<string, string | string[]>>
}

/**
 * A browser that follows a mailed link gets a page, and only the page's button does something: mail scanners follow links too.
 * Other clients, who ask for JSON, go on to the handler.
 */
const pageForBrowsers =
  (page: NonNullable<Route['page']>): preValidationHookHandler =>
  (request, reply, done) => {
    // Scanners call themselves browsers, whatever they accept; a HEAD uses nothing up either, whoever sends it.
    const { accept = '', 'user-agent': agent = '' } = request.headers
    const browser = /\btext\/html\b/i.test(accept) || (/^Mozilla\//.test(agent) && !/\bjson\b/i.test(accept))
    if (request.method === 'GET' && !browser) return done()
    const html = page(request)
    reply.headers(pageHeaders).type('text/html; charset=utf-8').send(html)
  }

/** The `Idempotency-Key` of a request, bound to its account, contract, route and body. */
function idempotencyOf(
  request: FastifyRequest,
  { contract, route, edge }: { contract: Contract; route: Route; edge: Edge },
  accountId: string,
) {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(key))
    throw refuseAtEdge('edge.bad_request', { header: 'Idempotency-Key' })
  return {
    accountId,
    route: `${contract.name} ${route.method} ${route.url}`,
    key,
    requestHash: edge.requestDigest(bodyText(request.body)),
  }
}

/** A body without its passwords: what is kept of it for a day must not help anybody to guess them. */
function bodyText(body: unknown): string {
  try {
    return JSON.stringify(body, (name, value) => (/password/i.test(name) ? undefined : value))
  } catch {
    // Nested so deeply that writing it again overflows the stack: no request of anybody's is like that.
    throw refuseAtEdge('edge.bad_request')
  }
}
