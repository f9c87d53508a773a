import type { FastifyInstance } from 'fastify'
import type { Contract, Route } from '../contracts/_kit/contract.ts'
import type { Edge } from '../contracts/_kit/edge.ts'
import type { Upstream } from './upstream.ts'

/** Below it a service's process serves a contract's routes to our own gateways only. */
export const internalPrefix = (contract: Contract): string => `/internal/contracts/${contract.name}`

/** Serves a route by sending it to the process that its service runs in, once the edge has let it pass. */
export function forwardRoute(
  app: FastifyInstance,
  options: { contract: Contract; route: Route; upstream: Upstream; edge: Edge },
) {
  const { contract, route, upstream, edge } = options
  app.route({
    method: route.method,
    url: route.url,
    bodyLimit: contract.bodyLimit,
    config: { endpoint: route.url, route, contract },
    onRequest: edge.beforeBody(contract, route),
    preHandler: edge.afterBody(contract, route),
    async handler(request, reply) {
      const { client, claims } = edge.visitOf(request)
      const headers: Record<string, string> = { 'x-forwarded-for': client.ip ?? '' }
      // A courtesy to services that are not ours; ours trust the token alone.
      if (typeof claims?.sub === 'string') headers['x-user-id'] = encodeURI(claims.sub)
      // A target in absolute form (RFC 9112, 3.2.2) names the gateway, not the service.
      const target = request.url.replace(/^https?:\/\/[^/?]*/i, '')
      await upstream.forward(request, reply, { path: `${internalPrefix(contract)}${target}`, headers })
    },
  })
}
