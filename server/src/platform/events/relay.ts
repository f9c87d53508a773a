import { type Database, sql } from '../db/database.ts'
import type { Notices } from '../db/notices/index.ts'
import { messageOf, refuseAtEdge } from '../errors.ts'
import type { Logger } from '../log.ts'
import { createSignal, pause } from '../signal.ts'
import type { EventSource } from './bus.ts'
import type { DomainEvent } from './event.ts'
import { outboxChannel } from './outbox.ts'

/** The source of one service's events beside its outbox; in the same process, consumers call it directly. */
export interface Relay extends EventSource {
  /** Age in seconds of the oldest event that each consumer has not acknowledged; 0 when it has all of them. */
  lags(): Promise<Readonly<Record<string, number>>>
  /** Ends the waiting polls with empty lists; from then on `next` is refused with `edge.unavailable`. */
  close(): Promise<void>
}

export interface RelayOptions {
  /** The service whose outbox it reads. */
  service: string
  database: Database
  notices: Notices
  /** Everyone who must acknowledge an event before it counts as published. A new name starts at what is unpublished. */
  subscribers: readonly string[]
  log: Logger
}

export const largestBatch = 100
export const longestWaitMs = 20_000
const mostWaiting = 256
/** The net below the notices: a notice can be lost with its connection. */
const pollMs = 1_000
const settleEveryMs = 30_000
const settleRestMs = 100
const settleBatch = 500

/** Opens the relay of a service's outbox. */
export function openRelay({ service, database, notices, subscribers, log }: RelayOptions): Relay {
  const closing = new AbortController()
  const news = createSignal()
  const stopHearing = notices.on(outboxChannel, news.notify)
  const everyone = [...new Set(subscribers)]
  const settled = settle()

  function refuseUnknown(consumer: string) {
    if (!everyone.includes(consumer)) throw refuseAtEdge('edge.forbidden', { consumer, service })
  }

  /**
   * Marks what every present subscriber has acknowledged: all of it for a service without subscribers, and otherwise
   * what only a removed subscriber kept open. Retention prunes by the mark.
   */
  async function settle() {
    const alone = everyone.length === 0
    while (!closing.signal.aborted) {
      const seen = news.notified()
      const marked = await markAcknowledged(database, everyone).catch((error: unknown) => {
        log.warn({ service, reason: messageOf(error) }, 'the outbox could not be marked; it is tried again')
        return 0
      })
      // Nobody waits for the mark, so events in quick succession share one statement.
      await pause(settleRestMs, closing.signal)
      if (marked === settleBatch || (alone && news.notified() !== seen)) continue
      await (alone ? news.wait(pollMs, closing.signal) : pause(settleEveryMs, closing.signal))
    }
  }

  return {
    service,
    async next(consumer, { limit, waitMs, signal }) {
      refuseUnknown(consumer)
      if (closing.signal.aborted || news.waiting() >= mostWaiting) throw refuseAtEdge('edge.unavailable', { service })
      const ends = [AbortSignal.timeout(Math.min(waitMs, longestWaitMs)), closing.signal]
      const end = AbortSignal.any(signal ? [...ends, signal] : ends)
      for (;;) {
        const seen = news.notified()
        const events = await oldestOpen(database, service, consumer, Math.min(limit, largestBatch))
        if (events.length > 0 || waitMs <= 0 || end.aborted) return events
        // What was announced while the query ran may have committed after its snapshot.
        if (news.notified() === seen) await news.wait(pollMs, end)
        if (signal?.aborted || closing.signal.aborted) return []
      }
    },
    async acknowledge(consumer, ids) {
      refuseUnknown(consumer)
      if (ids.length === 0) return
      // Locked in id order, or two consumers that acknowledge the same events could deadlock.
      await database.run(sql`
        WITH open AS MATERIALIZED (
          SELECT id FROM outbox_events
          WHERE id = ANY(${ids}::uuid[]) AND published_at IS NULL AND NOT acknowledged_by @> ARRAY[${consumer}::text]
          ORDER BY id
          FOR UPDATE)
        UPDATE outbox_events AS event
        SET acknowledged_by = event.acknowledged_by || ${consumer}::text,
            published_at = CASE WHEN event.acknowledged_by || ${consumer}::text @> ${everyone}::text[] THEN now() END
        FROM open WHERE event.id = open.id`)
    },
    async lags() {
      const rows = await database.many(sql<{ consumer: string; seconds: number }>`
        SELECT consumer, coalesce(greatest(extract(epoch FROM now() - oldest.occurred_at), 0), 0)::float8 AS seconds
        FROM unnest(${everyone}::text[]) AS consumer
        LEFT JOIN LATERAL (
          SELECT occurred_at FROM outbox_events
          WHERE published_at IS NULL AND NOT acknowledged_by @> ARRAY[consumer]
          ORDER BY occurred_at, id
          LIMIT 1) AS oldest ON true`)
      return Object.fromEntries(rows.map(({ consumer, seconds }) => [consumer, seconds]))
    },
    async close() {
      stopHearing()
      closing.abort()
      await settled
    },
  }
}

/** Marks a bounded number of events that everyone acknowledged, and says how many there were. */
const markAcknowledged = (database: Database, everyone: readonly string[]): Promise<number> =>
  database.run(sql`
    UPDATE outbox_events SET published_at = now()
    WHERE id IN (
      SELECT id FROM outbox_events
      WHERE published_at IS NULL AND acknowledged_by @> ${everyone}::text[]
      ORDER BY occurred_at, id
      LIMIT ${settleBatch}
      FOR UPDATE SKIP LOCKED)`)

interface OutboxRow {
  id: string
  aggregate_id: string
  sequence: number
  type: string
  data: unknown
  occurred_at: Date
}

/**
 * The oldest event of each aggregate that the consumer has not acknowledged. It looks at what is open, never past an
 * offset: transactions commit in another order than their ids and times have.
 */
async function oldestOpen(database: Database, service: string, consumer: string, limit: number) {
  const rows = await database.many(sql<OutboxRow>`
    SELECT id, aggregate_id, sequence, type, data, occurred_at
    FROM outbox_events AS event
    WHERE published_at IS NULL AND NOT acknowledged_by @> ARRAY[${consumer}::text]
      AND NOT EXISTS (
        SELECT FROM outbox_events AS older
        WHERE older.aggregate_id = event.aggregate_id AND older.sequence < event.sequence
          AND older.published_at IS NULL AND NOT older.acknowledged_by @> ARRAY[${consumer}::text])
    ORDER BY occurred_at, id
    LIMIT ${limit}`)
  return rows.map(
    (row): DomainEvent => ({
      id: row.id,
      source: service,
      type: row.type,
      subject: row.aggregate_id,
      sequence: row.sequence,
      time: row.occurred_at.toISOString(),
      data: row.data,
    }),
  )
}
