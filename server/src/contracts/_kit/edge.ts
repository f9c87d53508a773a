import { isIP } from 'node:net'
import type { FastifyRequest, onRequestAsyncHookHandler, preHandlerAsyncHookHandler } from 'fastify'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims, TokenVerifier } from '../../platform/http/token-verifier.ts'
import { sameSecret } from '../../platform/secrets.ts'
import type { Client, Permission } from '../../services/identity/index.ts'
import { readable } from './bodies.ts'
import { type Access, type Contract, may, type Route } from './contract.ts'
import type { DeviceCookies } from './cookies.ts'
import type { Limiter } from './limiter.ts'
import { localeOf } from './locale.ts'
import { networkOf } from './network.ts'

/** What is known of a request before its handler runs. */
export interface Visit {
  client: Client
  claims: AccessClaims | undefined
  /** True for another service of ours. */
  service: boolean
  bearer: string | undefined
  verify: TokenVerifier['verify']
}

/** What stands in front of every route of a contract, mounted or forwarded: token first, then limits, then the body. */
export interface Edge {
  /** Hooks for the route's `onRequest`. */
  beforeBody(contract: Contract, route: Route): onRequestAsyncHookHandler
  /** Hooks for the route's `preHandler`; none where nothing of the body is judged. */
  afterBody(contract: Contract, route: Route): preHandlerAsyncHookHandler[]
  visitOf(request: FastifyRequest): Visit
  devices: DeviceCookies
}

// On the request itself: this is read and written at every request, and a WeakMap costs the collector too much.
const visitKey = Symbol('visit')
type Visited = FastifyRequest & { [visitKey]?: Visit }

/**
 * A name may be tried so many times as often as an address may try. The limit on names is for guesses from many addresses; as tight
 * as that on addresses, it would let a single one of them shut an owner out who has no cookie of ours yet.
 */
const nameAllowance = 10

export interface EdgeOptions {
  verifierOf: (contract: Contract) => TokenVerifier
  /** Absent where limits were counted already: on routes that only our own gateway calls. */
  limiter: Limiter | undefined
  /** The client's address: the socket's, or what a trusted proxy or our own gateway says. */
  addressOf: (request: FastifyRequest) => string
  devices: DeviceCookies
  /** By which another service says that it is one. */
  serviceToken: string
  /** What answers say of themselves, for contracts that want it. */
  config: { instanceId: string }
}

export function createEdge(options: EdgeOptions): Edge {
  const { verifierOf, limiter, addressOf, devices, serviceToken, config } = options

  const clientOf = (request: FastifyRequest, { terms }: Contract, { signsIn }: Route): Client => {
    const { headers } = request
    const ip = plainAddress(addressOf(request), request)
    return {
      terms,
      ip,
      network: networkOf(ip),
      device: devices.read(headers.cookie) ?? (signsIn ? devices.newDevice() : ''),
      userAgent: headers['user-agent'],
      locale: localeOf(headers['accept-language']),
    }
  }

  return {
    devices,
    visitOf(request: Visited) {
      const visit = request[visitKey]
      if (!visit) throw new Error('a route was mounted without its edge')
      return visit
    },
    beforeBody(contract, route) {
      const { verify, verifySeen } = verifierOf(contract)
      const { terms, instanceHeader } = contract
      const { access } = route
      return async (request: Visited, reply) => {
        if (instanceHeader) reply.header(instanceHeader, config.instanceId)
        const bearer = bearerOf(request)
        if (access !== 'public' && bearer === undefined) throw refuseAtEdge('edge.missing_token')
        const service = access === 'person_or_service' && bearer !== undefined && sameSecret(bearer, serviceToken)
        // Most tokens were seen before and need no promise.
        const claims =
          access === 'public' || service || bearer === undefined
            ? undefined
            : (verifySeen(bearer) ?? (await verify(bearer)))
        const client = clientOf(request, contract, route)
        request[visitKey] = { client, claims, service, bearer, verify }
        const who = claims ? `account:${claims.uid}` : `address:${client.network}`
        if (!service) await limiter?.count({ contract, route, who }, reply)
        if (claims && isPermission(access) && !may(claims, terms, access)) throw refuseAtEdge('edge.forbidden')
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
          if (typeof name === 'string') {
            // Each device of ours counts by itself: a stranger who uses up a name's tries does not shut its owner out.
            const device = devices.read(request.headers.cookie) ?? ''
            const who = `name:${name.trim().toLowerCase()} ${device}`
            await limiter.count({ contract, route, who, times: nameAllowance }, reply)
          }
        },
      ]
    },
  }
}

const isPermission = (access: Access): access is Permission =>
  access !== 'public' && access !== 'person' && access !== 'person_or_service'

/** An address that a database takes as one: without an IPv6 zone, and the socket's own when a proxy said something else. */
function plainAddress(stated: string, { socket }: FastifyRequest): string {
  const own = socket.remoteAddress ?? '0.0.0.0'
  if (stated === own && !own.includes('%')) return own
  const [address = ''] = stated.split('%', 1)
  return isIP(address) ? address : (own.split('%', 1)[0] ?? own)
}

/** The Bearer token (RFC 6750; the scheme's name is not case-sensitive); undefined when there is none. */
function bearerOf({ headers: { authorization } }: FastifyRequest): string | undefined {
  if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined
  return authorization.slice('bearer '.length).trim() || undefined
}
