import { isIP } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims, TokenVerifier } from '../../platform/http/token-verifier.ts'
import type { Client } from '../../services/identity/index.ts'
import { readable } from './bodies.ts'
import { type Contract, isAdministrator, type Route } from './contract.ts'
import type { Limiter } from './limiter.ts'

/** What is known of a request before its handler runs. */
export interface Visit {
  client: Client
  claims: AccessClaims | undefined
  verify: TokenVerifier['verify']
}

/** What stands in front of every route of a contract, mounted or forwarded: token first, then limits, then the body. */
export interface Edge {
  beforeBody(contract: Contract, route: Route): (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  afterBody(contract: Contract, route: Route): (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  visitOf(request: FastifyRequest): Visit
}

const visits = new WeakMap<FastifyRequest, Visit>()

/**
 * @param limiter absent where limits were counted already: on routes that only our own gateway calls
 */
export function createEdge(options: {
  verifierOf: (contract: Contract) => TokenVerifier
  limiter: Limiter | undefined
  /** The client's address: the socket's, or what a trusted proxy or our own gateway says. */
  addressOf: (request: FastifyRequest) => string
}): Edge {
  const { verifierOf, limiter, addressOf } = options
  const visitOf = (request: FastifyRequest): Visit => {
    const visit = visits.get(request)
    if (!visit) throw new Error('a route was mounted without its edge')
    return visit
  }
  return {
    visitOf,
    beforeBody(contract, route) {
      const verifier = verifierOf(contract)
      return async (request, reply) => {
        const claims = route.access === 'public' ? undefined : await authenticate(request, verifier)
        const ip = plainAddress(addressOf(request), request)
        visits.set(request, {
          client: { terms: contract.terms, ip, userAgent: request.headers['user-agent'] },
          claims,
          verify: verifier.verify,
        })
        if (limiter) {
          const who = claims ? `account:${claims.uid}` : `address:${ip}`
          await limiter.count(contract, route.limit, who, reply)
        }
        if (claims && route.access === 'administrator' && !isAdministrator(claims, contract.terms)) {
          throw refuseAtEdge('edge.forbidden')
        }
      }
    },
    afterBody(contract, route) {
      const limitBy = route.limitBy as ((body: object) => unknown) | undefined
      return async (request, reply) => {
        if (!limiter || !limitBy) return
        // A forwarded body is still bytes, and nobody has said yet that it fits.
        const body = Buffer.isBuffer(request.body) ? readable(request.body.toString()) : request.body
        const name = typeof body === 'object' && body !== null ? limitBy(body) : undefined
        if (typeof name === 'string') await limiter.count(contract, route.limit, `name:${name.toLowerCase()}`, reply)
      }
    },
  }
}

/** An address that a database takes as one: without an IPv6 zone, and the socket's own when a proxy said something else. */
function plainAddress(stated: string, { socket }: FastifyRequest): string {
  const [address = ''] = stated.split('%', 1)
  return isIP(address) ? address : (socket.remoteAddress?.split('%', 1)[0] ?? '0.0.0.0')
}

async function authenticate(request: FastifyRequest, verifier: TokenVerifier): Promise<AccessClaims> {
  const { authorization } = request.headers
  // RFC 6750: the scheme's name is not case-sensitive.
  const token = authorization && /^bearer +([^ ]+) *$/i.exec(authorization)?.[1]
  if (!token) throw refuseAtEdge('edge.missing_token')
  return verifier.verify(token)
}
