import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import type { Listening } from '../config/listeners.ts'
import type { Contract, Route } from '../contracts/_kit/contract.ts'
import type { DeviceCookies } from '../contracts/_kit/cookies.ts'
import type { ServiceName, Services } from '../contracts/_kit/services.ts'
import { refuseAtEdge } from '../platform/errors.ts'
import { createApp } from '../platform/http/app.ts'
import { answerInternalFailure, internalErrorHeader, internalTokenHeader } from '../platform/http/internal-client.ts'
import type { Metrics } from '../platform/http/metrics.ts'
import type { Logger } from '../platform/log.ts'
import { sameSecret } from '../platform/secrets.ts'
import type { TokenVerifier } from '../platform/tokens/verifier.ts'
import { formBodies, lenientBodies, rawBodies, strictBodies, uploadBodies } from './edge/bodies.ts'
import { answerFailure } from './edge/failures.ts'
import { createEdge, type Edge, type EdgeOptions } from './edge/index.ts'
import type { Limiter } from './edge/limiter.ts'
import { mountRoute } from './edge/mount.ts'
import type { Uploads } from './edge/upload.ts'
import { forwardRoute, internalPrefix } from './forward.ts'
import { healthRoutes, type Probe, type Probes } from './health.ts'
import { serveLocalHosts } from './local-hosts.ts'
import { allowedOrigins } from './origins.ts'
import { pathOf, patternOf } from './paths.ts'
import { documentRoutes, indexRoute, metricsRoute } from './public-routes.ts'
import { requestOrigin } from './request-origin.ts'
import { withoutTrailingSlash } from './trailing-slash.ts'
import type { Upstream } from './upstream.ts'
import { serveVirtualHosts } from './virtual-hosts.ts'

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
  requestDigest: EdgeOptions['requestDigest']
  uploads: Uploads
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

/**
 * One address we listen on: every route of its contracts, mounted here or forwarded, with what stands in front of them. A gateway
 * of several contracts also has the hosts on which each of them is alone.
 */
export async function createListener(options: ListenerOptions): Promise<FastifyInstance> {
  const { unit, contracts, local, probes, probeRedis, metrics, internal, open, config, log } = options
  // What belongs to no contract is answered in the form of the first one.
  const [home, ...others] = contracts
  const shared = others.length > 0
  const routesOf = (contract: Contract) => contract.routes.filter((route) => isServed(contract, route, unit, shared))
  const listed: readonly [Contract, ...Contract[]] = [home, ...others.filter(({ hosting }) => !hosting?.ownHostOnly)]
  const instanceHeader = home.hosting?.instanceHeader
  const allowsOrigin = allowedOrigins(new Map(listed.map((one) => [one, routesOf(one)])), config.corsOrigins)
  const app = await createApp({
    log,
    rewriteUrl: withoutTrailingSlash(
      contracts
        .filter(({ hosting }) => hosting?.trailingSlash)
        .flatMap((one) => [...routesOf(one), ...(one === home ? one.healthRoutes : [])])
        .map(({ url }) => url),
    ),
    // What belongs to no contract is answered by the first one.
    describe: (request) => requestOrigin(request, home),
    trustedProxies: config.trustedProxies,
    allowsOrigin,
    exposedHeaders: listed.flatMap(({ browser, hosting }) => [
      ...(hosting?.instanceHeader === undefined ? [] : [hosting.instanceHeader]),
      ...(browser?.exposedHeaders ?? []),
    ]),
    instanceHeader: instanceHeader === undefined ? undefined : { name: instanceHeader, value: config.instanceId },
    onError: answerFailure(home),
    // Whatever it was, no path of it is known.
    rawFailure: (status) => home.failure(rawAnswerOf(home, status), {}, { path: '' }),
  })
  metrics.observe(app)
  if (config.devHosts) serveLocalHosts(app, config.devHosts)
  if (shared && unit.gateway && config.hosts.size > 0) serveHosts(app, options)
  answerUnknown(app)

  const edge = createEdge({ ...options, allowsOrigin, addressOf: (request) => request.ip })
  for (const contract of contracts) serveContract(app, options, contract, routesOf(contract), edge)
  const own = Object.fromEntries(Object.entries(probes).filter(([name]) => name in local))
  healthRoutes(app, { contract: home, unit, probes, own, probeRedis, config, serviceToken: options.serviceToken })
  metricsRoute(app, metrics, config)
  // The reference of a default host is for all of them, also for those that answer on hosts of their own alone.
  const hostsOf = (contract: Contract) =>
    listed.includes(contract)
      ? []
      : [...config.hosts].filter(([, name]) => name === contract.name).map(([host]) => host)
  documentRoutes(app, {
    contracts: [home, ...others.filter((one) => listed.includes(one) || (unit.gateway && hostsOf(one).length > 0))],
    routesOf: (one) => one.routes.filter((route) => isServed(one, route, unit, shared && listed.includes(one))),
    hostsOf,
  })
  if (unit.gateway) indexRoute(app, listed)
  open(app)
  if (internal) serveInternal(app, options, internal)
  return app
}

/**
 * Whether a listener serves a route. A shared one leaves out what others claim, and of contracts with a host of their own has the
 * pages that mailed links lead to; no gateway has what only services call.
 */
function isServed({ hosting }: Contract, route: Route, { gateway, services }: Listening, shared: boolean): boolean {
  if (gateway ? route.access === 'service' : !services.includes(route.service)) return false
  return !shared || (!route.ownListenerOnly && (!hosting?.ownHostOnly || route.html === true))
}

/** The hosts of single contracts, as listeners of their own; our own processes know the default host alone. */
function serveHosts(app: FastifyInstance, options: ListenerOptions): void {
  const { contracts, config, log } = options
  serveVirtualHosts(app, {
    contractAt(host) {
      const owner = config.hosts.get(host)
      return owner && contracts.find(({ name }) => name === owner)
    },
    open: (contract) => createListener({ ...options, contracts: [contract], internal: undefined }),
    log,
  })
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
  const { local, upstreams, uploads } = options
  mountContract(app, { contract, routes, local, edge, uploads, prefix: '' })
  for (const file of [false, true]) {
    app.register(async (scope) => {
      scope.setErrorHandler(answerFailure(contract))
      if (file) uploadBodies(scope)
      else rawBodies(scope, contract.bodies)
      for (const route of routes) {
        const upstream = upstreams[route.service]
        if (!local[route.service] && upstream && Boolean(route.upload) === file) {
          forwardRoute(scope, { contract, route, upstream, edge, uploads })
        }
      }
    })
  }
}

/** Mounts the routes whose service runs here: those for JSON, pages and files, each with what they take for a body. */
function mountContract(
  app: FastifyInstance,
  options: {
    contract: Contract
    routes: readonly Route[]
    local: ListenerOptions['local']
    edge: Edge
    uploads: Uploads
    prefix: string
  },
): void {
  const { contract, routes, local, edge, uploads, prefix } = options
  const takeJson = (scope: FastifyInstance) =>
    contract.bodies === 'strict'
      ? strictBodies(scope)
      : lenientBodies(scope, contract.bodies === 'empty' ? 'empty' : 'refused')
  const kinds = {
    page: { is: (route: Route) => route.html, take: formBodies },
    file: { is: (route: Route) => route.upload, take: uploadBodies },
    json: { is: (route: Route) => !route.html && !route.upload, take: takeJson },
  }
  for (const { is, take } of Object.values(kinds)) {
    app.register(async (scope) => {
      scope.setErrorHandler(answerFailure(contract))
      take(scope)
      for (const route of routes.filter(is)) {
        const service = local[route.service]
        if (service) mountRoute(scope, { contract, route, url: `${prefix}${route.url}`, service, edge, uploads })
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
  const { contracts, local, uploads } = options
  const [home] = contracts
  const edge = createEdge({ ...options, limiter: undefined, allowsOrigin: undefined, addressOf: statedAddress })
  app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      const token = request.headers[internalTokenHeader]
      if (typeof token === 'string' && sameSecret(token, internal.token)) {
        // It vouches for the process that forwards, not for the one who asks: to routes that let services in, this is none.
        request.headers[internalTokenHeader] = undefined
        return
      }
      // To a stranger there is nothing here, in the words of any other nothing; a gateway of ours learns what is wrong.
      reply.header(internalErrorHeader, 'token')
      return answerFailure(home)(notFound(request), request, reply)
    })
    for (const contract of contracts) {
      mountContract(scope, {
        contract,
        routes: contract.routes,
        local,
        edge,
        uploads,
        prefix: internalPrefix(contract),
      })
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

const notFound = (request: FastifyRequest) =>
  refuseAtEdge('edge.not_found', { path: pathOf(request), method: request.method })
