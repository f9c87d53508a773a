import { Redis as RedisClient } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { redisStartTimeout, startRedis, type TestRedis } from '../../../tests/support/redis.ts'
import { poll } from '../db/poll.ts'
import { newId } from '../ids.ts'
import { type Logger, silentLogger } from '../log.ts'
import { openRedis, type Redis } from '../redis/connection.ts'
import type { EventSource } from './bus.ts'
import type { DomainEvent } from './event.ts'
import { refuseEvictingRedis, startStreamPublisher, streamOf } from './stream-publisher.ts'

let server: TestRedis
beforeAll(async () => {
  server = await startRedis()
}, redisStartTimeout)
afterAll(() => server.stop())

const eventNumber = (sequence: number): DomainEvent => ({
  id: newId(),
  source: 'things',
  type: 'thing.happened',
  subject: 'thing-1',
  sequence,
  time: new Date(0).toISOString(),
  data: { sequence },
})

/** A source that offers what was not acknowledged, one event at a time as a relay does for one aggregate. */
function sourceOf(service: string, events: readonly DomainEvent[], acknowledge: (id: string) => boolean = () => true) {
  const open = [...events]
  const source: EventSource = {
    service,
    async next(_consumer, { signal }) {
      if (open[0]) return [open[0]]
      await poll(() => signal?.aborted || undefined, { withinMs: 10_000 })
      return []
    },
    async acknowledge(_consumer, ids) {
      for (const id of ids) {
        if (!acknowledge(id)) throw new Error('the mark was lost')
        open.splice(0, 1)
      }
    },
  }
  return { source, left: () => open.length }
}

async function entriesOf(service: string): Promise<DomainEvent[]> {
  const client = new RedisClient(server.url)
  const entries = await client.xrange(streamOf(service), '-', '+')
  client.disconnect()
  return entries.map(([, [field, text = '']]) => {
    expect(field).toBe('event')
    return JSON.parse(text) as DomainEvent
  })
}

async function publisher(source: EventSource) {
  const redis = await openRedis({ url: server.url, log: silentLogger() })
  const running = startStreamPublisher({ source, redis, log: silentLogger() })
  onTestFinished(async () => {
    await running.stop()
    await redis.close()
  })
}

describe('the stream of a service', () => {
  test('C-36 has its events in order, as CloudEvents, each once', async () => {
    const events = [1, 2, 3].map(eventNumber)
    const { source, left } = sourceOf('ordered', events)
    await publisher(source)
    await poll(() => left() === 0 || undefined, { withinMs: 5_000 })
    expect(await entriesOf('ordered')).toEqual(
      events.map((event) => ({ specversion: '1.0', datacontenttype: 'application/json', ...event })),
    )
  })

  test('has an event again, under the same id, when its mark was lost', async () => {
    const event = eventNumber(1)
    let tries = 0
    const { source, left } = sourceOf('again', [event], () => {
      tries += 1
      return tries > 1
    })
    await publisher(source)
    await poll(() => left() === 0 || undefined, { withinMs: 5_000 })
    expect((await entriesOf('again')).map(({ id }) => id)).toEqual([event.id, event.id])
  })
})

test('each outage of Redis is said once, the second like the first', async () => {
  const outcomes = [false, false, true, false, false, true]
  const said: unknown[] = []
  const { source, left } = sourceOf('outages', [1, 2].map(eventNumber))
  const xadd = async () => {
    if (!outcomes.shift()) throw new Error('away')
  }
  const log = { warn: (_facts: object, text: string) => void said.push(text) } as unknown as Logger
  const running = startStreamPublisher({ source, redis: { client: { xadd } } as unknown as Redis, log })
  onTestFinished(running.stop)
  expect(await poll(() => left() === 0 || undefined, { withinMs: 5_000 })).toBe(true)
  expect(said).toEqual(['events wait for Redis', 'events wait for Redis'])
})

test('a Redis that evicts is refused, with what to change', async () => {
  const redis = await openRedis({ url: server.url, log: silentLogger() })
  onTestFinished(redis.close)
  await expect(refuseEvictingRedis(redis)).resolves.toBeUndefined()
  await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await expect(refuseEvictingRedis(redis)).rejects.toThrow(/maxmemory-policy/)
  await redis.client.config('SET', 'maxmemory-policy', 'noeviction')
})
