import type { FastifyInstance } from 'fastify'
import type { Contract, Route } from '../contracts/_kit/contract.ts'
import type { Edge } from './edge/index.ts'
import type { Uploads } from './edge/upload.ts'
import type { Upstream } from './upstream.ts'

/** Below it a service's process serves a contract's routes to our own gateways only. */
export const internalPrefix = (contract: Contract): string => `/internal/contracts/${contract.name}`

/** Serves a route by sending it to the process that its service runs in, once the edge has let it pass. */
export function forwardRoute(
  app: FastifyInstance,
  options: { contract: Contract; route: Route; upstream: Upstream; edge: Edge; uploads: Uploads },
) {
  const { contract, route, upstream, edge, uploads } = options
  app.route({
    method: route.method,
    url: route.url,
    bodyLimit: contract.bodyLimit,
    config: { endpoint: route.url, route, contract },
    onRequest: edge.beforeBody(contract, route),
    preHandler: edge.afterBody(contract, route),
    onResponse: edge.afterAnswer(contract, route),
    async handler(request, reply) {
      const { ip, claims } = edge.contextOf(request)
      const headers: Record<string, string> = {}
      for (const name of contract.deployment.forwardedHeaders ?? []) {
        const value = request.headers[name]
        if (typeof value === 'string') headers[name] = value
      }
      headers['x-forwarded-for'] = ip ?? ''
      // A courtesy to services that are not ours; ours trust the token alone.
      if (claims?.sub !== undefined) headers['x-user-id'] = encodeURI(String(claims.sub))
      // A target in absolute form (RFC 9112, 3.2.2) names the gateway, not the service.
      const target = request.url.replace(/^https?:\/\/[^/?]*/i, '')
      const to = { path: `${internalPrefix(contract)}${target}`, headers }
      if (!route.upload) return upstream.forward(request, reply, to)
      return uploads.passOn(request, route.upload, (body) => upstream.forward(request, reply, { ...to, body }))
    },
  })
}
