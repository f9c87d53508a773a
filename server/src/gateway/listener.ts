import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config, Listening } from '../config.ts'
import { formBodies, lenientBodies, rawBodies, strictBodies } from '../contracts/_kit/bodies.ts'
import { type Contract, type Route, type ServiceName, type Services, serviceNames } from '../contracts/_kit/contract.ts'
import type { DeviceCookies } from '../contracts/_kit/cookies.ts'
import { createEdge, type Edge } from '../contracts/_kit/edge.ts'
import { answerFailure } from '../contracts/_kit/failures.ts'
import type { Limiter } from '../contracts/_kit/limiter.ts'
import { mountRoute } from '../contracts/_kit/mount.ts'
import { refuseAtEdge } from '../platform/errors.ts'
import { type AllowsOrigin, createApp } from '../platform/http/app.ts'
import { answerInternalFailure, internalRefusalHeader, internalTokenHeader } from '../platform/http/internal-client.ts'
import type { Metrics } from '../platform/http/metrics.ts'
import type { TokenVerifier } from '../platform/http/token-verifier.ts'
import type { Logger } from '../platform/log.ts'
import { sameSecret } from '../platform/secrets.ts'
import { forwardRoute, internalPrefix } from './forward.ts'
import { healthRoutes, type Probe, type Probes } from './health.ts'
import { documentRoutes, indexRoute, metricsRoute } from './open-routes.ts'
import type { Upstream } from './upstream.ts'

export interface ListenerOptions {
  unit: Listening
  contracts: readonly [Contract, ...Contract[]]
  /** The services that run in this process. */
  local: Readonly<Partial<Services>>
  upstreams: Readonly<Partial<Record<ServiceName, Upstream>>>
  probes: Probes
  verifierOf: (contract: Contract) => TokenVerifier
  limiter: Limiter
  devices: DeviceCookies
  /** By which another service of ours says that it is one. */
  serviceToken: string
  /** Asks Redis whether it answers; absent without one. */
  probeRedis: Probe | undefined
  metrics: Metrics
  /** Routes that only our own processes may call; absent where no other process needs this one. */
  internal: { token: string; routes: (app: FastifyInstance) => void } | undefined
  /** Routes that belong to no contract, such as the public keys. */
  open: (app: FastifyInstance) => void
  config: Config
  log: Logger
}

/** One address we listen on: every route of its contracts, mounted here or forwarded, with what stands in front of them. */
export async function createListener(options: ListenerOptions): Promise<FastifyInstance> {
  const { unit, contracts, local, probes, probeRedis, metrics, internal, open, config, log } = options
  // What belongs to no contract is answered in the form of the first one.
  const [home] = contracts
  const app = await createApp({
    log,
    trustedProxies: config.trustedProxies,
    allowsOrigin: allowedOrigins(contracts, config.corsOrigins),
    exposedHeaders: contracts.flatMap(({ instanceHeader, exposedHeaders = [] }) =>
      instanceHeader === undefined ? exposedHeaders : [instanceHeader, ...exposedHeaders],
    ),
    instanceHeader:
      home.instanceHeader === undefined ? undefined : { name: home.instanceHeader, value: config.instanceId },
    onError: answerFailure(home),
    rawFailure: (status) => home.failure(rawAnswerOf(home, status), {}),
  })
  metrics.observe(app)
  answerUnknown(app)

  const edge = createEdge({ ...options, addressOf: (request) => request.ip })
  const served = unit.gateway ? serviceNames : unit.services
  const shared = contracts.length > 1
  const routesOf = (contract: Contract) =>
    contract.routes.filter((route) => served.includes(route.service) && !(shared && route.ownListenerOnly))
  for (const contract of contracts) serveContract(app, options, contract, routesOf(contract), edge)
  const own = Object.fromEntries(Object.entries(probes).filter(([name]) => name in local))
  healthRoutes(app, { contract: home, unit, probes, own, probeRedis, config })
  metricsRoute(app, metrics, config)
  documentRoutes(app, contracts, routesOf)
  if (unit.gateway) indexRoute(app, contracts)
  open(app)
  if (internal) serveInternal(app, options, internal)
  return app
}

const rawAnswerOf = ({ errors }: Contract, status: 400 | 408 | 431) =>
  errors[status === 431 ? 'edge.headers_too_large' : status === 408 ? 'edge.request_timeout' : 'edge.bad_request']

function serveContract(
  app: FastifyInstance,
  options: ListenerOptions,
  contract: Contract,
  routes: readonly Route[],
  edge: Edge,
): void {
  const { local, upstreams } = options
  mountContract(app, { contract, routes, local, edge, prefix: '' })
  app.register(async (scope) => {
    scope.setErrorHandler(answerFailure(contract))
    rawBodies(scope, contract.bodies)
    for (const route of routes) {
      const upstream = upstreams[route.service]
      if (!local[route.service] && upstream) forwardRoute(scope, { contract, route, upstream, edge })
    }
  })
}

/** Mounts the routes whose service runs here: JSON ones and pages, each with what they take for a body. */
function mountContract(
  app: FastifyInstance,
  options: {
    contract: Contract
    routes: readonly Route[]
    local: ListenerOptions['local']
    edge: Edge
    prefix: string
  },
): void {
  const { contract, routes, local, edge, prefix } = options
  for (const html of [false, true]) {
    app.register(async (scope) => {
      scope.setErrorHandler(answerFailure(contract))
      if (html) formBodies(scope)
      else if (contract.bodies === 'empty') lenientBodies(scope)
      else strictBodies(scope)
      for (const route of routes) {
        const service = local[route.service]
        if (service && Boolean(route.html) === html) {
          mountRoute(scope, { contract, route, url: `${prefix}${route.url}`, service, edge })
        }
      }
    })
  }
}

/** The same routes again for our own gateways, and what else our processes say to one another: all behind the service token. */
function serveInternal(
  app: FastifyInstance,
  options: ListenerOptions,
  internal: NonNullable<ListenerOptions['internal']>,
): void {
  const { contracts, local } = options
  const [home] = contracts
  const edge = createEdge({ ...options, limiter: undefined, addressOf: statedAddress })
  app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      const token = request.headers[internalTokenHeader]
      if (typeof token === 'string' && sameSecret(token, internal.token)) return
      // To a stranger there is nothing here, in the words of any other nothing; a gateway of ours learns what is wrong.
      reply.header(internalRefusalHeader, 'token')
      return answerFailure(home)(refuseAtEdge('edge.not_found'), request, reply)
    })
    for (const contract of contracts) {
      mountContract(scope, { contract, routes: contract.routes, local, edge, prefix: internalPrefix(contract) })
    }
    scope.register(async (inner) => {
      inner.setErrorHandler(answerInternalFailure)
      internal.routes(inner)
    })
  })
}

/** The client's address as our own gateway states it. */
const statedAddress = (request: FastifyRequest): string => {
  const stated = request.headers['x-forwarded-for']
  return typeof stated === 'string' && stated !== '' ? stated : request.ip
}

/** Which origins may read an answer: a contract's own rule, or the configured list. */
const allowedOrigins =
  (contracts: readonly Contract[], configured: Config['corsOrigins']): AllowsOrigin =>
  (origin, request) => {
    const owner = ownerOf(contracts, request)
    if (owner?.origins === 'any') return 'without cookies'
    const listed = configured.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)))
    return listed ? 'with cookies' : 'no'
  }

/** The contract that a request, or the one that a preflight announces, belongs to. */
function ownerOf(contracts: readonly Contract[], request: FastifyRequest): Contract | undefined {
  const { method, headers } = request
  const path = pathOf(request)
  const announced = method === 'OPTIONS' ? headers['access-control-request-method'] : method
  const fits = (route: Route) => route.method === announced && patternOf(route.url).test(path)
  return contracts.find(({ routes }) => routes.some(fits)) ?? (contracts.length === 1 ? contracts[0] : undefined)
}

const patterns = new Map<string, RegExp>()
/** A route's path as an expression. */
function patternOf(url: string): RegExp {
  let pattern = patterns.get(url)
  if (!pattern) {
    pattern = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`)
    patterns.set(url, pattern)
  }
  return pattern
}

/**
 * 404, or 405 with `Allow` where the path is known under other methods; and `OPTIONS` where no browser asks (RFC 9110, 9.3.7).
 * Has to see the routes before they are added.
 */
function answerUnknown(app: FastifyInstance): void {
  const known: { method: string; pattern: RegExp }[] = []
  app.addHook('onRoute', ({ method, url }) => {
    // What only our own processes may call does not exist for anybody else; cors adds a route for every preflight.
    if (url.startsWith('/internal/') || url === '*') return
    for (const one of [method].flat()) known.push({ method: one, pattern: patternOf(url) })
  })
  const methodsAt = (request: FastifyRequest): string[] => {
    const path = pathOf(request)
    const methods = [...new Set(known.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))]
    if (methods.length === 0) throw notFound(request)
    return methods
  }
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    const methods = methodsAt(request)
    if (methods.includes(request.method)) throw notFound(request)
    reply.header('allow', methods.join(', '))
    throw refuseAtEdge('edge.method_not_allowed', { path: pathOf(request), method: request.method })
  }
  // Before the body is looked at: one that cannot be read makes no other answer.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) refuse(request, reply)
    if (request.method !== 'OPTIONS') return done()
    reply.code(204).header('allow', methodsAt(request).join(', ')).send()
  })
  app.setNotFoundHandler(refuse)
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? ''

const notFound = (request: FastifyRequest) =>
  refuseAtEdge('edge.not_found', { path: pathOf(request), method: request.method })
