import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { refuseAtEdge } from '../../platform/errors.ts'
import { sha256 } from '../../platform/secrets.ts'
import type { Contract, Inquiry, Route } from './contract.ts'
import type { Edge } from './edge.ts'
import { rememberedText } from './remembered.ts'

/** The requests' handlers see what `edge` found out before them. */
type AnyInquiry = Inquiry<unknown, unknown, unknown>

/**
 * Mounts one route where its service runs: validate, call the handler, answer with a declared status.
 * @param url the route's own path, or the same below the internal prefix
 */
export function mountRoute(
  app: FastifyInstance,
  options: { contract: Contract; route: Route; url: string; service: unknown; edge: Edge },
) {
  const { contract, route, url, service, edge } = options
  const { method, body, query, params, replies } = route
  // Typed where the route was declared: `service` and the parts are what its handler was checked against.
  const handler = route.handler as (service: unknown, inquiry: AnyInquiry) => Promise<{ status: number; body: unknown }>

  app.route({
    method,
    url,
    bodyLimit: contract.bodyLimit,
    schema: {
      ...(body && { body }),
      ...(query && { querystring: query }),
      ...(params && { params }),
      response: replies,
    },
    config: { endpoint: route.url, route, contract },
    onRequest: edge.beforeBody(contract, route),
    preHandler: edge.afterBody(contract, route),
    async handler(request: FastifyRequest, reply: FastifyReply) {
      const visit = edge.visitOf(request)
      const answer = await handler(service, {
        body: request.body,
        query: request.query,
        params: request.params,
        client: visit.client,
        // Routes for the public are declared without claims and do not read them.
        claims: visit.claims as AnyInquiry['claims'],
        idempotency: route.idempotent && visit.claims ? idempotencyOf(request, route, visit.claims.uid) : undefined,
        verify: visit.verify,
      })
      if (!(answer.status in replies)) throw new Error(`${method} ${route.url} answered an undeclared ${answer.status}`)
      reply.code(answer.status)
      const text = rememberedText(answer.body, (body) => String(reply.serializeInput(body, String(answer.status))))
      return text === undefined ? reply.send(answer.body) : reply.type('application/json; charset=utf-8').send(text)
    },
  })
}

/** The `Idempotency-Key` of a request, bound to its account, route and body. */
function idempotencyOf(request: FastifyRequest, route: Route, accountId: string) {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(key))
    throw refuseAtEdge('edge.bad_request', { header: 'Idempotency-Key' })
  return {
    accountId,
    route: `${route.method} ${route.url}`,
    key,
    requestHash: sha256(bodyText(request.body)),
  }
}

function bodyText(body: unknown): string {
  try {
    return JSON.stringify(body)
  } catch {
    // Nested so deeply that writing it again overflows the stack: no request of anybody's is like that.
    throw refuseAtEdge('edge.bad_request')
  }
}
