import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { localNotices } from '../../../tests/support/local-notices.ts'
import { execute, freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../db/database.ts'
import { refuseAtEdge } from '../errors.ts'
import { newId } from '../ids.ts'
import { silentLogger } from '../log.ts'
import { eventBusConformance, outboxTables } from '../testing/event-bus.conformance.ts'
import type { EventSource } from './bus.ts'
import { appendEvent, outboxChannel } from './outbox.ts'
import { openRelay } from './relay.ts'

eventBusConformance('direct', async (options) => {
  const relay = openRelay(options)
  let away = false
  const unlessAway = () => {
    if (away) throw refuseAtEdge('edge.unavailable')
  }
  const source: EventSource = {
    service: relay.service,
    async next(consumer, next) {
      unlessAway()
      const events = await relay.next(consumer, next)
      unlessAway()
      return events
    },
    async acknowledge(consumer, ids) {
      unlessAway()
      await relay.acknowledge(consumer, ids)
    },
  }
  return {
    source,
    goAway: async () => {
      away = true
    },
    comeBack: async () => {
      away = false
    },
    close: relay.close,
  }
})

describe('the relay', () => {
  const outbox = freshDatabase('relay', { setup: outboxTables })
  const notices = localNotices()
  beforeEach(() => execute(outbox.url, 'TRUNCATE outbox_events'))

  const open = (subscribers: string[]) => {
    const relay = openRelay({
      service: 'identity',
      database: outbox.database,
      notices,
      subscribers,
      log: silentLogger(),
    })
    onTestFinished(relay.close)
    return relay
  }
  const append = async () => {
    const id = newId()
    await appendEvent(outbox.database, { id, aggregateId: newId(), sequence: 1, type: 'thing.changed', data: {} })
    await notices.announce(outboxChannel)
    return id
  }
  const unpublished = () =>
    outbox.database.many(sql<{ id: string }>`SELECT id FROM outbox_events WHERE published_at IS NULL`)

  test('without subscribers, events are marked so that they can be pruned', async () => {
    await append()
    open([])
    await vi.waitFor(async () => expect(await unpublished()).toEqual([]), { timeout: 3_000 })
    await append()
    await vi.waitFor(async () => expect(await unpublished()).toEqual([]), { timeout: 3_000 })
  })

  test('what only a removed subscriber kept open is marked', async () => {
    const before = open(['audit', 'mirror'])
    const taken = await append()
    const left = await append()
    await before.acknowledge('audit', [taken])
    await before.close()
    open(['audit'])
    await vi.waitFor(async () => expect(await unpublished()).toEqual([{ id: left }]), { timeout: 3_000 })
  })

  test('says how far each consumer is behind', async () => {
    const relay = open(['one', 'two'])
    expect(await relay.lags()).toEqual({ one: 0, two: 0 })
    const [old, young] = [await append(), await append()]
    await outbox.database.run(
      sql`UPDATE outbox_events SET occurred_at = now() - interval '90 seconds' WHERE id = ${old}`,
    )
    await relay.acknowledge('one', [old])
    const lags = await relay.lags()
    expect(lags.one).toBeGreaterThanOrEqual(0)
    expect(lags.one).toBeLessThan(60)
    expect(lags.two).toBeGreaterThanOrEqual(90)
    await relay.acknowledge('one', [young])
    expect((await relay.lags()).one).toBe(0)
  })

  test('closing ends a waiting poll, and the next one is refused', async () => {
    const relay = open(['audit'])
    const waiting = relay.next('audit', { limit: 10, waitMs: 10_000 })
    await relay.close()
    expect(await waiting).toEqual([])
    await expect(relay.next('audit', { limit: 10, waitMs: 0 })).rejects.toMatchObject({ code: 'edge.unavailable' })
  })

  test('offers the oldest open event of each aggregate, and whose acknowledgement publishes is the last of all', async () => {
    const relay = open(['one', 'two'])
    const aggregates = { free: newId(), held: newId() }
    const ids: Record<string, string> = {}
    const add = async (
      name: string,
      aggregateId: string,
      sequence: number,
      acknowledged: string[],
      published = false,
    ) => {
      const id = newId()
      ids[name] = id
      await outbox.database.run(sql`
        INSERT INTO outbox_events (id, aggregate_id, sequence, type, data, acknowledged_by, published_at)
        VALUES (${id}, ${aggregateId}, ${sequence}, 'thing', '{}', ${acknowledged}::text[], CASE WHEN ${published} THEN now() END)`)
    }
    // Published before a subscriber was there: no longer offered, and in nobody's way.
    await add('published', aggregates.free, 1, ['two'], true)
    await add('had by one', aggregates.free, 2, ['one'])
    await add('open', aggregates.free, 3, [])
    await add('held by none', aggregates.held, 1, [])
    await add('behind it', aggregates.held, 2, [])
    const offered = async (consumer: string) => {
      const events = await relay.next(consumer, { limit: 10, waitMs: 0 })
      return Object.keys(ids).filter((name) => events.some(({ id }) => id === ids[name]))
    }
    expect(await offered('one')).toEqual(['open', 'held by none'])
    expect(await offered('two')).toEqual(['had by one', 'held by none'])

    const publishedAt = async (name: string) => {
      const row = sql<{ at: Date | null; by: string[] }>`
        SELECT published_at AS at, acknowledged_by AS by FROM outbox_events WHERE id = ${ids[name]}`
      const { at, by } = await outbox.database.one(row)
      return [at !== null, by]
    }
    await relay.acknowledge('one', [ids.published ?? '', ids['had by one'] ?? '', ids['held by none'] ?? ''])
    expect(await publishedAt('published')).toEqual([true, ['two']])
    expect(await publishedAt('had by one')).toEqual([false, ['one']])
    expect(await publishedAt('held by none')).toEqual([false, ['one']])
    await relay.acknowledge('two', [ids['held by none'] ?? ''])
    expect(await publishedAt('held by none')).toEqual([true, ['one', 'two']])
    expect(await publishedAt('behind it')).toEqual([false, []])
  })
})
