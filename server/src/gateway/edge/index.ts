import { isIP } from 'node:net'
import type {
  FastifyRequest,
  onRequestAsyncHookHandler,
  onResponseAsyncHookHandler,
  preHandlerAsyncHookHandler,
} from 'fastify'
import type { Access, Contract, Route } from '../../contracts/_kit/contract.ts'
import { cookieValues, type DeviceCookies } from '../../contracts/_kit/cookies.ts'
import type { LimitClass } from '../../contracts/_kit/limits.ts'
import { localeOf } from '../../contracts/_kit/locale.ts'
import { isSecondCall } from '../../contracts/_kit/second-factor.ts'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { AllowsOrigin } from '../../platform/http/app.ts'
import { internalTokenHeader } from '../../platform/http/internal-client.ts'
import { sameSecret } from '../../platform/secrets.ts'
import type { AccessClaims, TokenVerifier } from '../../platform/tokens/verifier.ts'
import { may, type Permission, type RequestContext } from '../../services/realm/index.ts'
import { readable } from './bodies.ts'
import { isOrderOfForeignPage } from './foreign-pages.ts'
import { introspectWithin, isInvalidToken } from './introspection-limit.ts'
import { ipPrefixOf, networkOf } from './ip-prefix.ts'
import type { Limiter } from './limiter.ts'

export type Edge = ReturnType<typeof createEdge>

// On the request itself: this is read and written at every request, and a WeakMap costs the collector too much.
const contextKey = Symbol('context')
const countedKey = Symbol('counted')
type Admitted = FastifyRequest & { [contextKey]?: RequestContext; [countedKey]?: string[] }

/**
 * A name may be tried so many times as often as an address may try. The limit on names is for guesses from many addresses; as tight
 * as that on addresses, it would let a single one of them shut an owner out who has no cookie of ours yet.
 */
const nameAllowance = 10

/** And a network may try so many times as often as one of its addresses, where passwords are guessed or hashed. */
const networkAllowance = 10
const countedByNetwork: ReadonlySet<LimitClass> = new Set(['credentials', 'register'])

export interface EdgeOptions {
  /** What checks tokens of a contract. */
  verifierOf: (contract: Contract) => TokenVerifier
  /** Absent where limits were counted already: on routes that only our own gateway calls. */
  limiter: Limiter | undefined
  /** The client's address: the socket's, or what a trusted proxy or our own gateway says. */
  addressOf: (request: FastifyRequest) => string
  devices: DeviceCookies
  /** A digest that only we can make, of a request with an `Idempotency-Key`. */
  requestDigest: (text: string) => Buffer
  /** By which another service says that it is one. */
  serviceToken: string
  /** Whose pages may read answers; absent where a gateway of ours has asked already. */
  allowsOrigin: AllowsOrigin | undefined
  /** What answers say of themselves, for contracts that want it. */
  config: { instanceId: string }
}

/** What stands in front of every route of a contract, mounted or forwarded: token first, then limits, then the body. */
export function createEdge(options: EdgeOptions) {
  const { verifierOf, limiter, addressOf, devices, requestDigest, serviceToken, allowsOrigin, config } = options

  /** True for whoever has the service token, as Bearer or in the header that our own processes send. */
  const isService = (bearer: string | undefined, { headers }: FastifyRequest): boolean => {
    const stated = headers[internalTokenHeader] ?? bearer
    return typeof stated === 'string' && sameSecret(stated, serviceToken)
  }

  return {
    devices,
    requestDigest,
    verifierOf,
    /** What the hooks found out; a mounted route always has it. */
    contextOf(request: Admitted): RequestContext {
      const context = request[contextKey]
      if (!context) throw new Error('a route was mounted without its edge')
      return context
    },
    /** Hooks for the route's `onRequest`. */
    beforeBody(contract: Contract, route: Route): onRequestAsyncHookHandler {
      const verifier = verifierOf(contract)
      const { realm, browser: { accessCookie } = {}, hosting: { instanceHeader } = {}, deployment } = contract
      const { access } = route
      return async (request: Admitted, reply) => {
        if (instanceHeader) reply.header(instanceHeader, config.instanceId)
        const bearer = bearerOf(request)
        const service = letsServicesIn(access) && isService(bearer, request)
        if (access === 'service' && !service) {
          throw refuseAtEdge(bearer === undefined ? 'edge.missing_token' : 'edge.invalid_token')
        }
        const ip = plainAddress(addressOf(request), request)
        const ipPrefix = ipPrefixOf(ip)
        if (isOrderOfForeignPage(request, bearer, allowsOrigin)) throw refuseAtEdge('edge.forbidden')
        let claims: AccessClaims | undefined
        if (access !== 'public' && !service) {
          const tokens = tokensOf(request, bearer, accessCookie)
          claims = seenOf(tokens, verifier)
          // Most tokens were seen before and need no promise.
          if (!claims) {
            const judge = () => claimsOf(tokens, verifier)
            const about = { contract, route, who: `refused:${ipPrefix}` }
            claims = await (deployment.introspection && limiter
              ? introspectWithin(limiter, about, reply, judge)
              : judge())
          }
        }
        const { headers } = request
        const context: RequestContext = {
          realm,
          ip,
          ipPrefix,
          device: devices.read(headers.cookie) ?? (route.signsIn ? devices.newDevice() : ''),
          userAgent: headers['user-agent'],
          locale: localeOf(headers['accept-language']),
          claims,
          bearer,
          service,
        }
        request[contextKey] = context
        // Another service of ours speaks for many people; who they are, it counts itself.
        if (limiter && !service && !isService(undefined, request)) {
          const who = claims ? `account:${claims.uid}` : `address:${ipPrefix}`
          await limiter.count({ contract, route, who }, reply)
          if (!claims && countedByNetwork.has(route.limit)) {
            const network = `network:${networkOf(ip)}`
            await limiter.count({ contract, route, who: network, times: networkAllowance }, reply)
            request[countedKey] = [who, network]
          }
        }
        if (claims && isPermission(access) && !may(context, access)) throw refuseAtEdge('edge.forbidden')
      }
    },
    /** Hooks for the route's `preHandler`; none where nothing of the body is judged. */
    afterBody(contract: Contract, route: Route): preHandlerAsyncHookHandler[] {
      const limitBy = route.limitBy as ((body: object) => unknown) | undefined
      if (!limiter || !limitBy) return []
      return [
        async (request, reply) => {
          const name = limitBy(bodyOf(request))
          if (typeof name === 'string') {
            // Each device of ours counts by itself: a stranger who uses up a name's tries does not shut its owner out.
            const device = devices.read(request.headers.cookie) ?? ''
            const who = `name:${name.trim().toLowerCase()} ${device}`
            await limiter.count({ contract, route, who, times: nameAllowance }, reply)
          }
        },
      ]
    },
    /** Hooks for the route's `onResponse`: a sign-in that succeeds uses nothing up of what its address and network may try. */
    afterAnswer(contract: Contract, route: Route): onResponseAsyncHookHandler[] {
      if (!limiter || !route.signsIn || route.limit !== 'credentials') return []
      const firstStep = route.secondStepOf === undefined ? undefined : { ...route, url: route.secondStepOf }
      return [
        async (request: Admitted, reply) => {
          // Whoever goes away before the answer has the status of none.
          if (reply.statusCode >= 300 || !reply.raw.headersSent) return
          const before = firstStep ?? (isSecondCall(bodyOf(request)) ? route : undefined)
          for (const who of request[countedKey] ?? []) {
            await limiter.giveBack({ contract, route, who })
            if (before) await limiter.giveBack({ contract, route: before, who })
          }
        },
      ]
    },
  }
}

/** The body as far as it is known: a forwarded one is still bytes, and nobody has said yet that it fits. */
function bodyOf(request: FastifyRequest): object {
  const body = Buffer.isBuffer(request.body) ? readable(request.body.toString()) : request.body
  return typeof body === 'object' && body !== null ? body : {}
}

const letsServicesIn = (access: Access): boolean => access === 'service' || access === 'person_or_service'

const isPermission = (access: Access): access is Permission =>
  access !== 'public' && access !== 'person' && !letsServicesIn(access)

/** The access tokens of a request: the Bearer, else those of the contract's cookie. */
const tokensOf = (
  { headers }: FastifyRequest,
  bearer: string | undefined,
  accessCookie: string | undefined,
): readonly string[] => {
  if (bearer !== undefined) return [bearer]
  return accessCookie === undefined ? [] : cookieValues(headers.cookie, accessCookie).slice(0, mostAccessCookies)
}
/** Each costs a check of its signature; browsers send one for each path or domain that has it. */
const mostAccessCookies = 3

/** What the first token says that was seen before and is good still. */
function seenOf(tokens: readonly string[], { verifySeen }: TokenVerifier): AccessClaims | undefined {
  for (const token of tokens) {
    try {
      const claims = verifySeen(token)
      if (claims) return claims
    } catch (error) {
      if (!isInvalidToken(error)) throw error
    }
  }
  return undefined
}

/** The claims of the first token that is good here: cookies do not know ports, so others of the name may be somebody else's. */
async function claimsOf(tokens: readonly string[], { verify }: TokenVerifier): Promise<AccessClaims> {
  if (tokens.length === 0) throw refuseAtEdge('edge.missing_token')
  let domainError: unknown
  for (const token of tokens) {
    try {
      return await verify(token)
    } catch (error) {
      if (!isInvalidToken(error)) throw error
      domainError = error
    }
  }
  throw domainError
}

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
