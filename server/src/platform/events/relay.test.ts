import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { execute, freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../db/database.ts'
import { refuseAtEdge } from '../errors.ts'
import { newId } from '../ids.ts'
import { silentLogger } from '../log.ts'
import { eventBusConformance, outboxTables } from '../testing/event-bus.conformance.ts'
import { localNotices } from '../testing/local-notices.ts'
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

  test('closing ends a waiting poll, and the next one is refused', async () => {
    const relay = open(['audit'])
    const waiting = relay.next('audit', { limit: 10, waitMs: 10_000 })
    await relay.close()
    expect(await waiting).toEqual([])
    await expect(relay.next('audit', { limit: 10, waitMs: 0 })).rejects.toMatchObject({ code: 'edge.unavailable' })
  })
})
