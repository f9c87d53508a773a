import { isIP } from 'node:net'
import type { FastifyRequest, onRequestAsyncHookHandler, preHandlerAsyncHookHandler } from 'fastify'
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
  /** Hooks for the route's `onRequest`. */
  beforeBody(contract: Contract, route: Route): onRequestAsyncHookHandler
  /** Hooks for the route's `preHandler`; none where nothing of the body is judged. */
  afterBody(contract: Contract, route: Route): preHandlerAsyncHookHandler[]
  visitOf(request: FastifyRequest): Visit
}

// On the request itself: this is read and written at every request, and a WeakMap costs the collector too much.
const visitKey = Symbol('visit')
type Visited = FastifyRequest & { [visitKey]?: Visit }

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

  return {
    visitOf(request: Visited) {
      const visit = request[visitKey]
      if (!visit) throw new Error('a route was mounted without its edge')
      return visit
    },
    beforeBody(contract, route) {
      const { verify, verifySeen } = verifierOf(contract)
      const { terms } = contract
      return async (request: Visited, reply) => {
        const token = route.access === 'public' ? undefined : bearerOf(request)
        // Most tokens were seen before and need no promise.
        const claims = token === undefined ? undefined : (verifySeen(token) ?? (await verify(token)))
        const ip = plainAddress(addressOf(request), request)
        request[visitKey] = { client: { terms, ip, userAgent: request.headers['user-agent'] }, claims, verify }
        const who = claims ? `account:${claims.uid}` : `address:${networkOf(ip)}`
        await limiter?.count(contract, route.limit, who, reply)
        if (claims && route.access === 'administrator' && !isAdministrator(claims, terms)) {
          throw refuseAtEdge('edge.forbidden')
        }
      }
    },
    afterBody(contract, route) {
      const limitBy = route.limitBy as ((body: object) => unknown) | undefined
      if (!limiter || !limitBy) return []
      return [
        async (request, reply) => {
          // A forwarded body is still bytes, and nobody has said yet that it fits.
          const body = Buffer.isBuffer(request.body) ? readable(request.body.toString()) : request.body
          const name = typeof body === 'object' && body !== null ? limitBy(body) : undefined
          if (typeof name === 'string') await limiter.count(contract, route.limit, `name:${name.toLowerCase()}`, reply)
        },
      ]
    },
  }
}

/** An address that a database takes as one: without an IPv6 zone, and the socket's own when a proxy said something else. */
function plainAddress(stated: string, { socket }: FastifyRequest): string {
  const own = socket.remoteAddress ?? '0.0.0.0'
  if (stated === own && !own.includes('%')) return own
  const [address = ''] = stated.split('%', 1)
  return isIP(address) ? address : (own.split('%', 1)[0] ?? own)
}

/** What a limit counts as one caller: an IPv4 address, or an IPv6 /64, of which one household has all addresses. */
const networkOf = (address: string): string =>
  address.includes('::ffff:') || !address.includes(':') ? address : firstHalf(address)

function firstHalf(address: string): string {
  const [head = '', tail] = address.split('::')
  const groups = head.split(':')
  if (tail !== undefined) while (groups.length < 4) groups.push('0')
  return groups.slice(0, 4).join(':')
}

function bearerOf({ headers: { authorization } }: FastifyRequest): string {
  // RFC 6750: the scheme's name is not case-sensitive.
  if (authorization === undefined || !/^bearer /i.test(authorization)) throw refuseAtEdge('edge.missing_token')
  const token = authorization.slice('bearer '.length).trim()
  if (token === '') throw refuseAtEdge('edge.missing_token')
  return token
}
