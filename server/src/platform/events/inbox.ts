import { type Database, type Queryable, sql } from '../db/database.ts'
import type { DomainEvent } from './event.ts'

/** What a consumer does for an event, by the event's type, in the transaction that remembers the event. */
export type EventHandlers = Readonly<Record<string, (tx: Queryable, event: DomainEvent) => Promise<void>>>

/** The handler of an event's type, if the consumer has one. */
export const handlerOf = (handlers: EventHandlers, event: DomainEvent) =>
  Object.hasOwn(handlers, event.type) ? handlers[event.type] : undefined

/** Runs the event's handler once and for all: true when it ran, false for an event seen before or older than one seen. */
export function handleOnce(
  database: Database,
  consumer: string,
  event: DomainEvent,
  handler: EventHandlers[string],
): Promise<boolean> {
  return database.transaction(async (tx) => {
    // The position's row is locked here, before the effect: a twin of this consumer cannot interleave an older event.
    const { due } = await tx.one(sql<{ due: boolean }>`
      WITH fresh AS (
        INSERT INTO inbox_events (consumer, event_id) VALUES (${consumer}, ${event.id})
        ON CONFLICT DO NOTHING
        RETURNING event_id
      ), moved AS (
        INSERT INTO inbox_positions (consumer, aggregate_id, sequence)
        SELECT ${consumer}, ${event.subject}::uuid, ${event.sequence}::integer FROM fresh
        ON CONFLICT (consumer, aggregate_id) DO UPDATE SET sequence = excluded.sequence
        WHERE inbox_positions.sequence < excluded.sequence
        RETURNING sequence
      )
      SELECT EXISTS (SELECT FROM moved) AS due`)
    if (due) await handler(tx, event)
    return due
  })
}
