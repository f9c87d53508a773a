import type { FastifyInstance } from 'fastify'
import type { Config, Listening } from './config.ts'
import { type Contract, type ServiceName, type Services, serviceNames } from './contracts/_kit/contract.ts'
import { createLimiter } from './contracts/_kit/limiter.ts'
import { type ContractName, contracts, longestAccessTtl } from './contracts/registry.ts'
import { type DatabaseChoice, type Databases, openDatabases } from './databases.ts'
import { plantDemo, requireAdministrators } from './first-start.ts'
import type { Probe, Probes } from './gateway/health.ts'
import { type IdentityPort, identityHere, identityOverHttp } from './gateway/identity-port.ts'
import { identityRoutes, publicKeyRoute } from './gateway/identity-routes.ts'
import { createListener } from './gateway/listener.ts'
import { openUpstream, type Upstream } from './gateway/upstream.ts'
import { systemClock as clock } from './platform/clock.ts'
import { type Database, openDatabase, type Statement } from './platform/db/database.ts'
import { openNotices, type ServerNotices } from './platform/db/notices.ts'
import { startPruning } from './platform/db/pruning.ts'
import { developmentSecret } from './platform/dev-secret.ts'
import { messageOf, StartError } from './platform/errors.ts'
import type { EventSource } from './platform/events/bus.ts'
import { type EventHandlers, startConsumer } from './platform/events/consumer.ts'
import { eventFeedRoutes, httpEventSource } from './platform/events/http-bus.ts'
import { outboxChannel } from './platform/events/outbox.ts'
import { openRelay, type Relay } from './platform/events/relay.ts'
import { type InternalClient, internalClient } from './platform/http/internal-client.ts'
import { jwksKeySource } from './platform/http/key-source.ts'
import { createMetrics, type Metrics } from './platform/http/metrics.ts'
import { createRevocationList, type RevocationList } from './platform/http/revocation-list.ts'
import { createTokenVerifier, type TokenVerifier } from './platform/http/token-verifier.ts'
import { createLifecycle, type Lifecycle } from './platform/lifecycle.ts'
import type { Logger } from './platform/log.ts'
import { type DeriveKey, deriveFrom } from './platform/secrets.ts'
import * as identityService from './services/identity/index.ts'
import * as ordersService from './services/orders/index.ts'
import * as profilesService from './services/profiles/index.ts'
import type { Plan } from './topologies.ts'

/** A process that runs, and how to end it. */
export interface Running {
  /** Where each listener really listens. */
  listening: readonly { unit: Listening; urls: readonly string[] }[]
  /** Which databases it uses, for people. */
  database: string
  stop(): Promise<void>
}

/** What every part of the wiring is made from. */
interface World {
  config: Config
  log: Logger
  life: Lifecycle
  metrics: Metrics
  databases: Databases
  deriveKey: DeriveKey
  internalToken: string
}

interface Store {
  database: Database
  notices: ServerNotices
  eventsRecorded(): void
}

/** Whom identity's events are for: every other service. */
const followersOfIdentity = serviceNames.filter((name) => name !== 'identity')

/** The wiring: from a configuration and a plan to databases, services, listeners and upstreams, started in this order. */
export async function compose(config: Config, plan: Plan, log: Logger): Promise<Running> {
  const life = createLifecycle(log)
  const ownership = plan.distributed ? 'join-or-own' : 'own'
  try {
    return await wire({ ...(await openWorld(config, { services: plan.services, ownership, log }, life)), plan })
  } catch (error) {
    await life.stop()
    throw error
  }
}

/** Opens identity and orders without listeners, for a command that does one thing with them. */
export async function withServices<Result>(
  config: Config,
  log: Logger,
  work: (services: Pick<Services, 'identity' | 'orders'>) => Promise<Result>,
): Promise<Result> {
  const life = createLifecycle(log)
  try {
    const world = await openWorld(config, { services: serviceNames, ownership: 'join-or-own', log }, life)
    const identity = await openIdentity(world)
    life.onStop('identity', async () => {
      identity.relay.close()
      identity.service.close()
    })
    const orders = openOrders(world)
    life.onStop('relay of orders', async () => orders.relay.close())
    return await work({ identity: identity.service, orders: orders.service })
  } finally {
    await life.stop()
  }
}

async function openWorld(config: Config, choice: DatabaseChoice, life: Lifecycle): Promise<World> {
  const databases = await openDatabases(config, choice)
  life.onStop('databases', databases.close)
  const deriveKey = deriveFrom(config.secret ?? (await developmentSecret(config.dataDir)))
  const internalToken = config.internalToken ?? deriveKey('internal-service-token').toString('base64url')
  return { config, log: choice.log, life, metrics: createMetrics(), databases, deriveKey, internalToken }
}

async function wire(world: World & { plan: Plan }): Promise<Running> {
  const { config, plan, log, life, databases } = world
  const runs = (service: ServiceName) => plan.services.includes(service)

  const identity: IdentityParts = runs('identity') ? await openIdentity(world) : remoteIdentity(world)
  const profiles = runs('profiles') ? openProfiles(world, identity.port) : undefined
  const orders = runs('orders') ? openOrders(world) : undefined
  const local: Partial<Services> = {
    ...(identity.service && { identity: identity.service }),
    ...(profiles && { profiles: profiles.service }),
    ...(orders && { orders: orders.service }),
  }
  const probes: Probes = {
    ...((identity.service || config.listeners.some(({ gateway }) => gateway)) && { identity: identity.probe }),
    ...(profiles && { profiles: profiles.store.database.ping }),
    ...(orders && { orders: orders.store.database.ping }),
  }
  const revocations = createRevocationList({ clock, log, staleAfterMs: config.revocationStalenessMs })
  const listeners = await openListeners(world, { local, identity, probes, revocations })

  // From here on what is stopped first at the end: consumers and feeds, so that no long poll holds a listener open.
  for (const relay of [identity.relay, orders?.relay])
    if (relay) life.onStop(`relay of ${relay.service}`, async () => relay.close())
  life.onStop('identity', async () => identity.service?.close())
  if (profiles) consume(world, identity.events, 'profiles', profiles.store.database, profilesService.followAccounts)
  if (orders) consume(world, identity.events, 'orders', orders.store.database, ordersService.followAccounts)
  life.onStop('revocation list', revocations.stop)
  await revocations.follow(identity.port.revocations, 1_000)

  await requireAdministrators(config, plan, local, log)
  if (config.development) await plantDemo(plan, local)
  const listening = await Promise.all(listeners.map(async ({ unit, app }) => ({ unit, urls: await listen(app, unit) })))
  return { listening, database: databases.description, stop: life.stop }
}

/** Pool and notices of one service's database, with the job that prunes it. */
function openStore(
  { databases, metrics, life, log }: World,
  service: ServiceName,
  pruning: readonly (() => Statement<unknown>)[],
): Store {
  const url = databases.url(service)
  const database = openDatabase({ name: service, url, log })
  const notices = openNotices({ url, name: service, log })
  metrics.watchPool(database)
  life.onStop(`pool of ${service}`, database.close)
  life.onStop(`notices of ${service}`, notices.close)
  const job = startPruning({ database, statements: pruning, everyMs: 30_000, log })
  life.onStop(`pruning of ${service}`, job.stop)
  return { database, notices, eventsRecorded: () => void notices.announce(outboxChannel) }
}

/** Identity as the rest of this process sees it: its ports, and the service itself when it runs here. */
interface IdentityParts {
  port: IdentityPort
  events: EventSource
  probe: Probe
  service?: identityService.Identity
  relay?: Relay
}

async function openIdentity(world: World) {
  const { config, metrics, deriveKey, log } = world
  const store = openStore(world, 'identity', identityService.pruning)
  const service = await identityService.openIdentity({
    ...store,
    deriveKey,
    hashing: config.hashing,
    secretOf: (contract) => secretOf(config, contract),
    longestAccessTtl,
    clock,
  })
  metrics.gauge(
    'guichet_passwords_waiting',
    'Passwords that wait for their turn to be hashed',
    service.waitingPasswords,
  )
  const relay = openRelay({ service: 'identity', subscribers: followersOfIdentity, log, ...store })
  return {
    service,
    relay,
    port: identityHere(service),
    events: relay,
    probe: store.database.ping,
  } satisfies IdentityParts
}

function remoteIdentity(world: World): IdentityParts {
  const client = openClient(world, 'identity')
  return {
    port: identityOverHttp(client),
    events: httpEventSource({ service: 'identity', client }),
    probe: readinessOf(client),
  }
}

function openProfiles(world: World, identity: IdentityPort) {
  const store = openStore(world, 'profiles', profilesService.pruning)
  const service = profilesService.openProfiles({ ...store, accounts: identity.accounts })
  return { store, service }
}

function openOrders(world: World) {
  const store = openStore(world, 'orders', ordersService.pruning)
  const service = ordersService.openOrders(store)
  world.life.onStop('orders', async () => service.close())
  // Nobody follows orders yet; the relay marks their events published, so that they can be pruned.
  const relay = openRelay({ service: 'orders', subscribers: [], log: world.log, ...store })
  return { store, service, relay }
}

function consume(
  { life, log }: World,
  source: EventSource,
  name: ServiceName,
  database: Database,
  handlers: EventHandlers,
): void {
  const consumer = startConsumer({ name, source, database, handlers, log })
  life.onStop(`consumer ${name}`, consumer.stop)
}

function openClient({ config, internalToken, life }: World, service: ServiceName): InternalClient {
  const { serviceUrls, upstreamTimeoutMs } = config
  const client = internalClient({ url: serviceUrls[service], token: internalToken, deadlineMs: upstreamTimeoutMs })
  life.onStop(`client of ${service}`, client.close)
  return client
}

const readinessOf =
  (client: InternalClient): Probe =>
  async () => {
    await client.call('GET', '/readyz', { deadlineMs: 2_000 })
  }

const secretOf = ({ contractSecrets }: Config, contract: string): string | undefined =>
  contractSecrets[contract as ContractName]

async function openListeners(
  world: World & { plan: Plan },
  parts: { local: Partial<Services>; identity: IdentityParts; probes: Probes; revocations: RevocationList },
): Promise<{ unit: Listening; app: FastifyInstance }[]> {
  const { config, plan, log, life, metrics, internalToken } = world
  const { local, identity } = parts
  const served = plan.contracts.map((name): Contract => contracts[name])
  const [home, ...others] = served
  if (!home) throw new StartError(`"${plan.label}" serves no contract.`)

  const gateway = config.listeners.some((unit) => unit.gateway)
  const away = gateway ? serviceNames.filter((name) => !local[name]) : []
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
    probes[name] ??= readinessOf(openClient(world, name))
  }

  const limiter = createLimiter(config.limitsScale)
  const verifierOf = verifiers(world, parts)
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
      metrics,
      config,
      log,
      metricsToken: config.internalToken,
      internal: plan.distributed
        ? { token: internalToken, routes: (scope) => internalRoutes(scope, identity) }
        : undefined,
      open(scope) {
        if (local.identity && (unit.gateway || unit.services.includes('identity')))
          publicKeyRoute(scope, local.identity)
      },
    })
    listeners.push({ unit, app })
  }
  return listeners
}

function internalRoutes(scope: FastifyInstance, { service, relay }: IdentityParts): void {
  if (service) identityRoutes(scope, service)
  if (relay) eventFeedRoutes(scope, relay)
}

/** One verifier a contract, shared by all listeners of the process. */
function verifiers(
  { config }: World,
  { identity, revocations }: { identity: IdentityParts; revocations: RevocationList },
) {
  const keys = jwksKeySource(identity.port.jwks, clock)
  const made = new Map<string, TokenVerifier>()
  return ({ name }: Contract): TokenVerifier => {
    let verifier = made.get(name)
    if (!verifier) {
      verifier = createTokenVerifier({
        audience: name,
        secret: secretOf(config, name),
        keys,
        revocations,
        askIdentity: identity.port.tokenStands,
        clock,
      })
      made.set(name, verifier)
    }
    return verifier
  }
}

async function listen(app: FastifyInstance, { name, host, port }: Listening): Promise<string[]> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    const advice = taken ? `Another program listens there: stop it, or choose another port.` : messageOf(error)
    throw new StartError(`${name} cannot listen on ${host}:${port}. ${advice}`, { cause: error })
  }
  return app.addresses().flatMap((bound) => {
    if (typeof bound === 'string') return []
    return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
  })
}
