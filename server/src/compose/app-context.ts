import type { Config } from '../config/config.ts'
import type { ServiceName } from '../contracts/_kit/services.ts'
import { configured } from '../contracts/configured.ts'
import type { ContractName } from '../contracts/registry.ts'
import type { Probe } from '../gateway/health.ts'
import { type Database, openDatabase, type Statement } from '../platform/db/database.ts'
import { openNotices, type ServerNotices } from '../platform/db/notices/index.ts'
import { startPruning } from '../platform/db/pruning.ts'
import { developmentSecret } from '../platform/dev-secret.ts'
import { outboxChannel } from '../platform/events/outbox.ts'
import { openRelay, type Relay } from '../platform/events/relay.ts'
import { refuseEvictingRedis, startStreamPublisher, streamPublisher } from '../platform/events/stream-publisher.ts'
import { type InternalClient, internalClient } from '../platform/http/internal-client.ts'
import { createMetrics } from '../platform/http/metrics.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/log.ts'
import { openRedis, type Redis } from '../platform/redis/connection.ts'
import { deriveFrom } from '../platform/secrets.ts'
import { type DatabaseChoice, openDatabases } from './databases.ts'

/** What every part of the wiring is made from. */
export type AppContext = Awaited<ReturnType<typeof openAppContext>>

export interface Store {
  database: Database
  notices: ServerNotices
  eventsRecorded(): void
}

export async function openAppContext(config: Config, choice: DatabaseChoice, life: Lifecycle) {
  const databases = await openDatabases(config, choice)
  life.onStop('databases', databases.close)
  const deriveKey = deriveFrom(config.secret ?? (await developmentSecret(config.dataDir)))
  const listening: { url: string | undefined } = { url: undefined }
  const internalToken = config.internalToken ?? deriveKey('internal-service-token').toString('base64url')
  return {
    config,
    log: choice.log,
    life,
    metrics: createMetrics(),
    databases,
    deriveKey,
    internalToken,
    /** Every contract, as this installation configured it. */
    contracts: configured(config),
    /** Absent without REDIS_URL. */
    redis: await connectRedis(config, choice.log, life),
    /** Where the first listener is, once it listens. */
    listening,
  }
}

async function connectRedis({ redisUrl: url }: Config, log: Logger, life: Lifecycle): Promise<Redis | undefined> {
  if (url === undefined) return undefined
  const redis = await openRedis({ url, log })
  life.onStop('redis', redis.close)
  await refuseEvictingRedis(redis)
  return redis
}

/** Pool and notices of one service's database, with the job that prunes it. */
export function openStore(
  { config, databases, metrics, life, log }: AppContext,
  service: ServiceName,
  pruning: readonly (() => Statement<unknown>)[],
): Store {
  const url = databases.url(service)
  const database = openDatabase({ name: service, url, log, size: config.poolSize, onQuery: metrics.databaseQuery })
  const notices = openNotices({ url, name: service, log })
  metrics.watchPool(database)
  life.onStop(`pool of ${service}`, database.close)
  life.onStop(`notices of ${service}`, notices.close)
  const job = startPruning({ database, statements: pruning, everyMs: 30_000, log })
  life.onStop(`pruning of ${service}`, job.stop)
  return { database, notices, eventsRecorded: () => void notices.announce(outboxChannel) }
}

export function openClient({ config, internalToken, life }: AppContext, service: ServiceName): InternalClient {
  const { serviceUrls, upstreamTimeoutMs } = config
  const client = internalClient({ url: serviceUrls[service], token: internalToken, deadlineMs: upstreamTimeoutMs })
  life.onStop(`client of ${service}`, client.close)
  return client
}

/** Asks another process whether it is ready; one that is slower than requests may be counts as down. */
export const readinessOf =
  (client: InternalClient, { upstreamTimeoutMs }: Config): Probe =>
  async () => {
    await client.call('GET', '/readyz', { deadlineMs: Math.min(2_000, upstreamTimeoutMs) })
  }

export const secretOf = ({ contractSecrets }: Config, contract: string): string | undefined =>
  contractSecrets[contract as ContractName]

/** Offers a service's events to those who follow them, and to Redis where there is one. */
export const openRelayOf = (
  { redis, log }: AppContext,
  service: ServiceName,
  followers: readonly string[],
  store: Store,
): Relay => openRelay({ service, subscribers: redis ? [...followers, streamPublisher] : followers, log, ...store })

/** Lets a relay run until the process stops, and publishes its events to Redis where there is one. */
export function runRelay({ redis, life, log, metrics }: AppContext, relay: Relay): void {
  metrics.watchEvents(relay.service, relay.lags)
  life.onStop(`relay of ${relay.service}`, relay.close)
  if (redis) life.onStop(`stream of ${relay.service}`, startStreamPublisher({ source: relay, redis, log }).stop)
}
