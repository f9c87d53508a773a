import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import type { Listening } from '../config/listeners.ts'
import { followersIn, type Plan } from '../config/topologies.ts'
import { createDeviceCookies } from '../contracts/_kit/cookies.ts'
import type { ServiceName, Services } from '../contracts/_kit/services.ts'
import type { Contracts } from '../contracts/configured.ts'
import { createLimiter } from '../gateway/edge/limiter.ts'
import { createUploads, uploadsDirectory } from '../gateway/edge/upload.ts'
import type { Probe, Probes } from '../gateway/health.ts'
import { identityRoutes, publicKeyRoute } from '../gateway/identity/routes.ts'
import { createListener } from '../gateway/listener.ts'
import { mailboxRoutes } from '../gateway/mailbox-page.ts'
import { openUpstream, type Upstream } from '../gateway/upstream.ts'
import { systemClock as clock } from '../platform/clock.ts'
import type { Database } from '../platform/db/database.ts'
import { messageOf, StartError } from '../platform/errors.ts'
import type { EventSource } from '../platform/events/bus.ts'
import { type EventHandlers, startConsumer } from '../platform/events/consumer.ts'
import type { DomainEvent } from '../platform/events/event.ts'
import { eventFeedRoutes } from '../platform/events/http-bus.ts'
import { listenOn } from '../platform/http/listen.ts'
import { createLifecycle } from '../platform/lifecycle.ts'
import type { Logger, Logging } from '../platform/log.ts'
import { hmac } from '../platform/secrets.ts'
import { createRevocationList, type RevocationList } from '../platform/tokens/revocation-list.ts'
import * as ordersService from '../services/orders/index.ts'
import {
  type AppContext,
  openAppContext,
  openClient,
  openRelayOf,
  openStore,
  readinessOf,
  runRelay,
} from './app-context.ts'
import { requireAdministrators, seedDemo } from './bootstrap.ts'
import { type IdentityParts, localIdentity, openIdentity, remoteIdentity } from './identity.ts'
import { openProfiles } from './profiles.ts'
import { verifiers } from './verifiers.ts'

/** A process that runs, and how to end it. */
export interface Running {
  /** Where each listener really listens. */
  listening: readonly { unit: Listening; urls: readonly string[] }[]
  /** Which databases it uses, for people. */
  database: string
  /** Where mail goes, for people. */
  mail: string
  stop(): Promise<void>
}

/** The wiring: from a configuration and a plan to databases, services, listeners and upstreams, started in this order. */
export async function compose(
  config: Config,
  plan: Plan,
  { log, logOf, dropped, atOnce }: Logging & { atOnce: AbortSignal },
): Promise<Running> {
  const life = createLifecycle(log)
  const ownership = plan.distributed ? 'join-or-own' : 'own'
  try {
    const appContext = await openAppContext(config, { services: plan.services, ownership, log, atOnce }, life)
    appContext.metrics.rising('guichet_log_lines_dropped_total', 'Lines of the log that could not be written', dropped)
    return await wire({ ...appContext, plan, logOf })
  } catch (error) {
    await life.stop()
    throw error
  }
}

/** Opens services without listeners, for a command that does one thing with them. */
export async function withServices<Name extends 'identity' | 'orders', Result>(
  config: Config,
  log: Logger,
  names: readonly Name[],
  work: (services: Pick<Services, Name>) => Promise<Result>,
): Promise<Result> {
  const life = createLifecycle(log)
  const wanted: readonly ServiceName[] = names
  try {
    const appContext = await openAppContext(config, { services: wanted, ownership: 'join-or-own', log }, life)
    const services: Partial<Services> = {}
    if (wanted.includes('identity')) {
      const { service } = await openIdentity(appContext)
      life.onStop('identity', async () => service.close())
      services.identity = service
    }
    if (wanted.includes('orders')) services.orders = openOrders(appContext).service
    return await work(services as Pick<Services, Name>)
  } finally {
    await life.stop()
  }
}

async function wire(appContext: AppContext & { plan: Plan; logOf: Logging['logOf'] }): Promise<Running> {
  const { config, plan, log, life, databases } = appContext
  const runs = (service: ServiceName) => plan.services.includes(service)

  const identity = runs('identity') ? await ownIdentity(appContext) : remoteIdentity(appContext)
  const profiles = runs('profiles') ? await openProfiles(appContext, identity.port) : undefined
  const orders = runs('orders') ? openOrders(appContext) : undefined
  // Nobody of ours follows profiles and orders yet; their relays mark events published, so that they can be pruned.
  const profilesRelay = profiles && openRelayOf(appContext, 'profiles', [], profiles.store)
  const ordersRelay = orders && openRelayOf(appContext, 'orders', [], orders.store)
  const local: Partial<Services> = {
    ...(identity.service && { identity: identity.service }),
    ...(profiles && { profiles: profiles.service }),
    ...(orders && { orders: orders.service }),
  }
  const probes: Probes = {
    identity: identity.probe,
    ...(profiles && { profiles: profiles.store.database.ping }),
    ...(orders && { orders: orders.store.database.ping }),
  }
  const revocations = createRevocationList({ clock, log, staleAfterMs: config.revocationStalenessMs })
  const listeners = await openListeners(appContext, { local, identity, probes, revocations })

  // From here on what is stopped first at the end: consumers and feeds, so that no long poll holds a listener open.
  for (const relay of [identity.relay, profilesRelay, ordersRelay]) if (relay) runRelay(appContext, relay)
  life.onStop('identity', async () => identity.service?.close())
  if (profiles) consume(appContext, identity.events, 'profiles', profiles.store.database, profiles.service.follows)
  if (orders)
    consume(appContext, identity.events, 'orders', orders.store.database, { handlers: ordersService.followAccounts })
  life.onStop('revocation list', revocations.stop)
  await revocations.follow(identity.port.revocations, 1_000)

  const served = plan.contracts.map((name) => appContext.contracts[name])
  await requireAdministrators(config, plan, served, local, log)
  if (config.development) await seedDemo({ contracts: served, made: 'at every start' }, local)
  const listening = await Promise.all(listeners.map(async ({ unit, app }) => ({ unit, urls: await listen(app, unit) })))
  appContext.listening.url = listening[0]?.urls[0]
  const mail = identity.startMail?.() ?? 'by the process that runs identity'
  return { listening, database: databases.description, mail, stop: life.stop }
}

async function ownIdentity(appContext: AppContext & { plan: Plan }): Promise<IdentityParts> {
  const opened = await openIdentity(appContext)
  for (const name of appContext.plan.contracts) opened.observeFor(appContext.contracts[name])
  return localIdentity(
    appContext,
    opened,
    openRelayOf(appContext, 'identity', followersIn(appContext.plan), opened.store),
  )
}

function openOrders(appContext: AppContext) {
  const store = openStore(appContext, 'orders', ordersService.pruning)
  const service = ordersService.openOrders(store)
  appContext.life.onStop('orders', async () => service.close())
  return { store, service }
}

function consume(
  { life, log }: AppContext,
  source: EventSource,
  name: ServiceName,
  database: Database,
  follows: { handlers: EventHandlers; onHandled?: (event: DomainEvent) => void },
): void {
  const consumer = startConsumer({ name, source, database, log, ...follows })
  life.onStop(`consumer ${name}`, consumer.stop)
}

async function openListeners(
  appContext: AppContext & { plan: Plan; logOf: Logging['logOf'] },
  parts: { local: Partial<Services>; identity: IdentityParts; probes: Probes; revocations: RevocationList },
): Promise<{ unit: Listening; app: FastifyInstance }[]> {
  const { config, plan, logOf, life, metrics, internalToken, contracts } = appContext
  const { local, identity } = parts
  const served = plan.contracts.map((name) => contracts[name])
  const [home, ...others] = served
  if (!home) throw new StartError(`"${plan.label}" serves no contract.`)

  const gateway = config.listeners.some((unit) => unit.gateway)
  const away = gateway ? plan.everywhere.filter((name) => !local[name]) : []
  const upstreams: Partial<Record<ServiceName, Upstream>> = {}
  const probes: Partial<Record<ServiceName, Probe>> = { ...parts.probes }
  for (const name of away) {
    const upstream = openUpstream({
      url: config.serviceUrls[name],
      token: internalToken,
      deadlineMs: config.upstreamTimeoutMs,
    })
    life.onStop(`upstream ${name}`, upstream.close)
    metrics.gauge(`guichet_upstream_${name}_requests`, `Requests under way to ${name}`, upstream.inFlight)
    upstreams[name] = upstream
    probes[name] ??= readinessOf(openClient(appContext, name), config)
  }

  const limiter = createLimiter({ scale: config.limitsScale, unlimited: config.unlimited, redis: appContext.redis })
  const uploads = createUploads({ directory: uploadsDirectory() })
  const devices = createDeviceCookies(appContext.deriveKey('device-cookies'), { secure: !config.development })
  const digestKey = appContext.deriveKey('idempotency')
  const requestDigest = (text: string) => hmac(digestKey, text)
  const verifierOf = verifiers(appContext, parts)
  const listeners: { unit: Listening; app: FastifyInstance }[] = []
  life.onStop('listeners', async () => {
    await Promise.all(listeners.map(({ app }) => app.close()))
  })
  for (const unit of config.listeners) {
    const app = await createListener({
      unit,
      contracts: [home, ...others],
      local,
      upstreams,
      probes,
      verifierOf,
      limiter,
      uploads,
      devices,
      requestDigest,
      serviceToken: internalToken,
      probeRedis: appContext.redis?.ping,
      metrics,
      config,
      log: logOf(unit.name),
      internal: unit.internal
        ? { token: internalToken, routes: (scope) => internalRoutes(scope, identity, contracts) }
        : undefined,
      open(scope) {
        if (!local.identity || !(unit.gateway || unit.services.includes('identity'))) return
        publicKeyRoute(scope, local.identity)
        if (config.development && identity.recentMails) mailboxRoutes(scope, identity.recentMails)
      },
    })
    listeners.push({ unit, app })
  }
  return listeners
}

function internalRoutes(scope: FastifyInstance, { service, relay }: IdentityParts, contracts: Contracts): void {
  if (service) identityRoutes(scope, service, contracts)
  if (relay) eventFeedRoutes(scope, relay)
}

async function listen(app: FastifyInstance, { name, host, port }: Listening): Promise<string[]> {
  try {
    const bound = await listenOn(app, { host, port })
    return bound.map(({ family, address, port }) => `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`)
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    const advice = taken ? `Another program listens there: stop it, or choose another port.` : messageOf(error)
    throw new StartError(`${name} cannot listen on ${host}:${port}. ${advice}`, { cause: error })
  }
}
