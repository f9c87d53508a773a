import { messageOf, StartError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Redis } from '../redis/connection.ts'
import { backoffMs, pause } from '../signal.ts'
import type { EventSource } from './bus.ts'
import type { DomainEvent } from './event.ts'

/** The name that the publisher acknowledges events under. */
export const streamPublisher = 'redis'

/** The stream that a service's events stand in. */
export const streamOf = (service: string): string => `guichet:events:${service}`

/** Events that a stream keeps at least; older ones go. Whoever reads has this long to follow. */
const keptEvents = 100_000
const batchSize = 100
const waitMs = 20_000
const stopDeadlineMs = 5_000

/**
 * Publishes a service's events to a Redis stream, for programs that are not ours: at least once, in order per aggregate, each as a
 * CloudEvent (1.0, JSON) in the field `event`. A crash between publishing and its mark publishes again, under the same id.
 */
export function startStreamPublisher(options: { source: EventSource; redis: Redis; log: Logger }) {
  const { source, redis, log } = options
  const stopping = new AbortController()
  const { signal } = stopping

  const publishNext = async () => {
    const events = await source.next(streamPublisher, { limit: batchSize, waitMs, signal })
    for (const event of events) {
      const text = JSON.stringify({ specversion: '1.0', datacontenttype: 'application/json', ...event })
      await redis.client.xadd(streamOf(source.service), 'MAXLEN', '~', keptEvents, '*', 'event', text)
    }
    const ids = events.map(({ id }: DomainEvent) => id)
    if (ids.length > 0) await source.acknowledge(streamPublisher, ids)
  }
  const run = async () => {
    let failures = 0
    while (!signal.aborted) {
      try {
        await publishNext()
        failures = 0
      } catch (error) {
        failures += 1
        if (failures === 1) log.warn({ service: source.service, reason: messageOf(error) }, 'events wait for Redis')
        await pause(backoffMs(failures), signal)
      }
    }
  }
  const running = run()
  return {
    async stop() {
      stopping.abort()
      await Promise.race([running, pause(stopDeadlineMs, new AbortController().signal)])
    },
  }
}

/** Refuses a Redis that throws data away when it is full: published events are not a cache. One that is away is not asked. */
export async function refuseEvictingRedis({ client }: Redis): Promise<void> {
  const policy = await client.config('GET', 'maxmemory-policy').catch(() => undefined)
  const value = Array.isArray(policy) ? String(policy[1]) : 'noeviction'
  if (value === 'noeviction') return
  throw new StartError(
    `This Redis evicts data when its memory is full (maxmemory-policy ${value}), and events would be lost. ` +
      'Set maxmemory-policy to noeviction, or name another Redis in REDIS_URL.',
  )
}
