import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { localNotices } from '../../../tests/support/local-notices.ts'
import { execute, freshDatabase } from '../../../tests/support/test-databases.ts'
import { type Queryable, sql } from '../db/database.ts'
import type { Notices } from '../db/notices/index.ts'
import { DomainError, refuseAtEdge } from '../errors.ts'
import type { EventSource } from '../events/bus.ts'
import { type Consumer, type ConsumerOptions, replayDeadLetters, startConsumer } from '../events/consumer.ts'
import type { DomainEvent } from '../events/event.ts'
import { appendEvent, outboxChannel } from '../events/outbox.ts'
import type { RelayOptions } from '../events/relay.ts'
import { newId } from '../ids.ts'
import { silentLogger } from '../log.ts'

export const outboxTables = readFileSync(join(import.meta.dirname, 'outbox-tables.sql'), 'utf8')

/** A transport under test, opened on an outbox. */
export interface OpenSource {
  source: EventSource
  /** The transport stops answering, and then answers again. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

/** What every event transport must do. The transport is opened for the subscribers `audit` and `mirror`. */
export function eventBusConformance(name: string, makeSource: (options: RelayOptions) => Promise<OpenSource>): void {
  describe(`event bus: ${name}`, () => {
    const outbox = freshDatabase('outbox', { setup: outboxTables })
    const inbox = freshDatabase('inbox', {
      setup: `${outboxTables}; CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, subject uuid, sequence integer)`,
    })
    const log = silentLogger()
    let notices: Notices
    let open: OpenSource
    let consumers: Consumer[]

    beforeEach(async () => {
      await execute(outbox.url, 'TRUNCATE outbox_events')
      await execute(inbox.url, 'TRUNCATE inbox_events, inbox_positions, dead_letters, effects')
      notices = localNotices()
      consumers = []
      const subscribers = ['audit', 'mirror']
      open = await makeSource({ service: 'identity', database: outbox.database, notices, subscribers, log })
    })
    afterEach(async () => {
      await Promise.all(consumers.map((consumer) => consumer.stop()))
      await open.close()
      await notices.close()
    })

    const append = async (aggregateId: string, sequence: number, type = 'thing.changed', id = newId()) => {
      await appendEvent(outbox.database, { id, aggregateId, sequence, type, data: { number: sequence } })
      await notices.announce(outboxChannel)
      return id
    }
    const now = (consumer: string, limit = 100) => open.source.next(consumer, { limit, waitMs: 0 })
    const take = async (consumer: string) => {
      const events = await now(consumer)
      await open.source.acknowledge(consumer, idsOf(events))
      return events
    }
    const consume = (options: Partial<ConsumerOptions> = {}) => {
      const handlers = { 'thing.changed': effect }
      const consumer = startConsumer({
        name: 'audit',
        source: open.source,
        database: inbox.database,
        handlers,
        log,
        ...options,
      })
      consumers.push(consumer)
      return consumer
    }
    const effects = () =>
      inbox.database.many(sql<{ event_id: string; subject: string; sequence: number }>`
        SELECT event_id, subject, sequence FROM effects ORDER BY id`)
    const published = async () =>
      (
        await outbox.database.many(sql<{ id: string }>`
          SELECT id FROM outbox_events WHERE published_at IS NOT NULL ORDER BY id`)
      ).map(({ id }) => id)
    const acknowledgedBy = async (id: string) =>
      (
        await outbox.database.one(sql<{ acknowledged_by: string[] }>`
          SELECT acknowledged_by FROM outbox_events WHERE id = ${id}`)
      ).acknowledged_by

    test('an event arrives as it was recorded', async () => {
      const aggregate = newId()
      const id = await append(aggregate, 1)
      const [event] = await now('audit')
      expect(event).toEqual({
        id,
        source: 'identity',
        type: 'thing.changed',
        subject: aggregate,
        sequence: 1,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        data: { number: 1 },
      })
    })

    test('what is not acknowledged is delivered again', async () => {
      const id = await append(newId(), 1)
      expect(idsOf(await now('audit'))).toEqual([id])
      expect(idsOf(await now('audit'))).toEqual([id])
      await open.source.acknowledge('audit', [id])
      expect(await now('audit')).toEqual([])
    })

    test('each consumer gets everything, and only when all have it is it published', async () => {
      const ids = [await append(newId(), 1), await append(newId(), 1)]
      expect(idsOf(await take('audit'))).toEqual(ids)
      expect(await published()).toEqual([])
      expect(idsOf(await take('mirror'))).toEqual(ids)
      expect(await published()).toEqual(ids)
      expect(await now('audit')).toEqual([])
    })

    test('an acknowledgement counts once, and one of nothing or of the unknown is harmless', async () => {
      const id = await append(newId(), 1)
      await open.source.acknowledge('audit', [])
      await open.source.acknowledge('audit', [newId()])
      await open.source.acknowledge('audit', [id])
      await open.source.acknowledge('audit', [id])
      expect(await acknowledgedBy(id)).toEqual(['audit'])
      expect(await published()).toEqual([])
    })

    test('consumers that acknowledge the same events at once lose none and do not deadlock', async () => {
      const ids: string[] = []
      for (let index = 0; index < 50; index += 1) ids.push(await append(newId(), 1))
      const backwards = [...ids].reverse()
      await Promise.all([
        open.source.acknowledge('audit', ids),
        open.source.acknowledge('mirror', backwards),
        open.source.acknowledge('audit', backwards),
        open.source.acknowledge('mirror', ids),
      ])
      expect(await published()).toEqual(ids)
    })

    test('an aggregate yields its next event when the former is acknowledged, another is not held up', async () => {
      const [aggregate, other] = [newId(), newId()]
      const first = await append(aggregate, 1)
      const second = await append(aggregate, 2)
      const beside = await append(other, 1)
      expect(idsOf(await take('audit'))).toEqual([first, beside])
      expect(idsOf(await take('audit'))).toEqual([second])
      // The other consumer is where it was.
      expect(idsOf(await now('mirror'))).toEqual([first, beside])
    })

    test('a batch is bounded', async () => {
      const ids = [await append(newId(), 1), await append(newId(), 1), await append(newId(), 1)]
      expect(idsOf(await now('audit', 2))).toEqual(ids.slice(0, 2))
    })

    test('the order is that of the sequence, when a later one has the older id and time', async () => {
      const aggregate = newId()
      const [older, newer] = [newId(), newId()]
      // The transaction of sequence 2 began first, waited for the aggregate's row and so has the older id and time.
      await outbox.database.transaction(async (tx) => {
        await tx.run(sql`SELECT now()`)
        await append(aggregate, 1, 'thing.changed', newer)
        await appendEvent(tx, { id: older, aggregateId: aggregate, sequence: 2, type: 'thing.changed', data: {} })
      })
      expect(idsOf(await take('audit'))).toEqual([newer])
      expect(idsOf(await take('audit'))).toEqual([older])
    })

    test('an event that commits after younger ones were acknowledged still arrives', async () => {
      const late = newId()
      await outbox.database.transaction(async (tx) => {
        await appendEvent(tx, { id: late, aggregateId: newId(), sequence: 1, type: 'thing.changed', data: {} })
        const young = await append(newId(), 1)
        expect(idsOf(await take('audit'))).toEqual([young])
      })
      expect(idsOf(await take('audit'))).toEqual([late])
    })

    test('a waiting call wakes within 200 ms of the commit', async () => {
      const waiting = open.source.next('audit', { limit: 10, waitMs: 10_000 })
      await rest(150)
      const committed = performance.now()
      const id = await append(newId(), 1)
      expect(idsOf(await waiting)).toEqual([id])
      expect(performance.now() - committed).toBeLessThan(200)
    })

    test('a commit whose notice was lost is found by polling', async () => {
      const waiting = open.source.next('audit', { limit: 10, waitMs: 10_000 })
      await rest(150)
      const id = newId()
      await appendEvent(outbox.database, { id, aggregateId: newId(), sequence: 1, type: 'thing.changed', data: null })
      expect(idsOf(await waiting)).toEqual([id])
    })

    test('a wait ends empty, at its time or when it is aborted', async () => {
      const start = performance.now()
      expect(await open.source.next('audit', { limit: 10, waitMs: 300 })).toEqual([])
      expect(performance.now() - start).toBeGreaterThan(250)
      const signal = AbortSignal.timeout(100)
      expect(await open.source.next('audit', { limit: 10, waitMs: 10_000, signal })).toEqual([])
      expect(performance.now() - start).toBeLessThan(2_000)
    })

    test('an unknown consumer is refused', async () => {
      const refused = (call: Promise<unknown>) => expect(call).rejects.toMatchObject({ code: 'edge.forbidden' })
      await refused(now('stranger'))
      await refused(open.source.acknowledge('stranger', [newId()]))
    })

    test('a consumer has each effect once and in order, with a twin beside it', async () => {
      const aggregates = [newId(), newId(), newId()]
      consume()
      consume()
      for (let sequence = 1; sequence <= 5; sequence += 1) {
        for (const aggregate of aggregates) await append(aggregate, sequence)
      }
      await vi.waitFor(async () => expect(await now('audit')).toEqual([]), soon)
      for (const aggregate of aggregates) {
        const seen = (await effects()).filter(({ subject }) => subject === aggregate)
        expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5])
      }
    })

    test('a consumer stopped between effect and acknowledgement has the effect once', async () => {
      const id = await append(newId(), 1)
      const stopped = consume({ source: { ...open.source, acknowledge: () => new Promise(() => undefined) } })
      await vi.waitFor(async () => expect(await effects()).toHaveLength(1), soon)
      const start = performance.now()
      await stopped.stop()
      expect(performance.now() - start).toBeLessThan(5_500)
      expect(await acknowledgedBy(id)).toEqual([])
      consume()
      await vi.waitFor(async () => expect(await acknowledgedBy(id)).toEqual(['audit']), soon)
      expect(await effects()).toHaveLength(1)
    })

    test('an acknowledgement that fails once is made good, the effect stays single', async () => {
      const acknowledge = vi.fn(open.source.acknowledge)
      acknowledge.mockRejectedValueOnce(refuseAtEdge('edge.unavailable'))
      consume({ source: { ...open.source, acknowledge } })
      const id = await append(newId(), 1)
      await vi.waitFor(async () => expect(await acknowledgedBy(id)).toEqual(['audit']), soon)
      expect(acknowledge).toHaveBeenCalledTimes(2)
      expect(await effects()).toHaveLength(1)
    })

    test('an event older than one already handled has no effect', async () => {
      const aggregate = newId()
      consume()
      const second = await append(aggregate, 2)
      await vi.waitFor(async () => expect(await acknowledgedBy(second)).toEqual(['audit']), soon)
      const first = await append(aggregate, 1)
      await vi.waitFor(async () => expect(await acknowledgedBy(first)).toEqual(['audit']), soon)
      expect((await effects()).map(({ event_id }) => event_id)).toEqual([second])
    })

    test('an event nobody handles is acknowledged', async () => {
      const onHandled = vi.fn()
      consume({ onHandled })
      const id = await append(newId(), 1, 'constructor')
      await vi.waitFor(async () => expect(await acknowledgedBy(id)).toEqual(['audit']), soon)
      expect(onHandled).not.toHaveBeenCalled()
    })

    test('a poison event becomes a dead letter, its aggregate goes on, others were never held up', async () => {
      const poisoned = newId()
      const poison = await append(poisoned, 1, 'thing.poisoned')
      const after = await append(poisoned, 2)
      let cured = false
      const attempts: number[] = []
      const handlers = {
        'thing.changed': effect,
        'thing.poisoned': async (tx: Queryable, event: DomainEvent) => {
          attempts.push(performance.now())
          await effect(tx, event)
          if (!cured) throw new TypeError('cannot take this')
        },
      }
      const consumer = consume({ handlers, maxAttempts: 4 })
      await vi.waitFor(() => expect(attempts.length).toBeGreaterThan(0), soon)
      const beside = await append(newId(), 1)
      await vi.waitFor(async () => expect(await acknowledgedBy(beside)).toEqual(['audit']), soon)
      expect(consumer.state()).toMatchObject({ retrying: 1, deadLettered: 0 })
      await vi.waitFor(async () => expect(await acknowledgedBy(after)).toEqual(['audit']), soon)

      expect(attempts).toHaveLength(4)
      expect((await effects()).map(({ event_id }) => event_id)).toEqual([beside, after])
      expect(consumer.state()).toMatchObject({ retrying: 0, deadLettered: 1, handled: 2, lagMs: 0 })
      const letter = sql<object>`SELECT consumer, event_id, reason, attempts, event ->> 'type' AS type FROM dead_letters`
      expect(await inbox.database.many(letter)).toEqual([
        { consumer: 'audit', event_id: poison, reason: 'cannot take this', attempts: 4, type: 'thing.poisoned' },
      ])

      const stillIll = await replayDeadLetters(inbox.database, 'audit', handlers)
      expect(stillIll).toEqual({ succeeded: [], failed: [{ id: poison, reason: 'cannot take this' }] })
      expect(await inbox.database.many(letter)).toMatchObject([{ attempts: 5 }])
      cured = true
      expect((await replayDeadLetters(inbox.database, 'audit', handlers, [newId()])).succeeded).toEqual([])
      expect((await replayDeadLetters(inbox.database, 'audit', handlers, [poison])).succeeded).toEqual([poison])
      expect(await inbox.database.many(letter)).toEqual([])
      expect((await effects()).map(({ event_id }) => event_id)).toEqual([beside, after, poison])
    })

    test('unavailability is no attempt, and holds up only the event that meets it', async () => {
      let away = true
      let tries = 0
      const handlers = {
        'thing.changed': effect,
        'thing.remote': async (tx: Queryable, event: DomainEvent) => {
          tries += 1
          if (away) throw refuseAtEdge('edge.unavailable')
          await effect(tx, event)
        },
      }
      consume({ handlers, maxAttempts: 1 })
      const remote = await append(newId(), 1, 'thing.remote')
      const beside = await append(newId(), 1)
      await vi.waitFor(() => expect(tries).toBeGreaterThan(2), soon)
      expect((await effects()).map(({ event_id }) => event_id)).toEqual([beside])
      away = false
      await vi.waitFor(async () => expect(await acknowledgedBy(remote)).toEqual(['audit']), soon)
      expect(await inbox.database.many(sql`SELECT FROM dead_letters`)).toEqual([])
    })

    test('the own database may be away for a while', async () => {
      let away = true
      const refuse = async () => {
        throw refuseAtEdge('edge.unavailable')
      }
      const database = new Proxy(inbox.database, {
        get: (target, key, receiver) =>
          away && (key === 'transaction' || key === 'ping') ? refuse : Reflect.get(target, key, receiver),
      })
      const consumer = consume({ database, maxAttempts: 1 })
      const id = await append(newId(), 1)
      await rest(500)
      expect(consumer.state()).toMatchObject({ handled: 0, deadLettered: 0 })
      expect(consumer.state().lagMs).toBeGreaterThan(300)
      away = false
      await vi.waitFor(async () => expect(await acknowledgedBy(id)).toEqual(['audit']), soon)
    })

    test('a source may be away and come back, and a consumer may start before it', async () => {
      await open.goAway()
      await expect(now('audit')).rejects.toSatisfy(
        (error: unknown) => error instanceof DomainError && error.code === 'edge.unavailable',
      )
      const consumer = consume()
      const first = await append(newId(), 1)
      await rest(300)
      expect(consumer.state().lastContactAt).toBeUndefined()
      await open.comeBack()
      await vi.waitFor(async () => expect(await acknowledgedBy(first)).toEqual(['audit']), soon)
      await open.goAway()
      const second = await append(newId(), 1)
      await rest(300)
      await open.comeBack()
      await vi.waitFor(async () => expect(await acknowledgedBy(second)).toEqual(['audit']), soon)
      expect((await effects()).map(({ event_id }) => event_id)).toEqual([first, second])
    })

    test('a stopped consumer ends its waiting poll at once', async () => {
      const consumer = consume()
      await rest(200)
      const start = performance.now()
      await consumer.stop()
      expect(performance.now() - start).toBeLessThan(500)
    })
  })
}

const soon = { timeout: 10_000, interval: 20 }

const idsOf = (events: readonly DomainEvent[]) => events.map(({ id }) => id)

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function effect(tx: Queryable, event: DomainEvent) {
  await tx.run(sql`
    INSERT INTO effects (event_id, subject, sequence) VALUES (${event.id}, ${event.subject}, ${event.sequence})`)
}
