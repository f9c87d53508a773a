import { type Database, sql } from '../db/database.ts'
import { DomainError, messageOf } from '../errors.ts'
import type { DomainEvent } from './event.ts'
import { type EventHandlers, handlerOf } from './inbox.ts'

const longestReason = 1_000

/** Sets an event aside that its handler cannot take, so that its aggregate's later events go on without it. */
export function deadLetter(
  database: Database,
  consumer: string,
  event: DomainEvent,
  failure: { reason: unknown; attempts: number },
): Promise<void> {
  return database.transaction(async (tx) => {
    // The inbox row makes it count as handled; if a twin of this consumer has just handled it, there is nothing to set aside.
    await tx.run(sql`
      WITH fresh AS (
        INSERT INTO inbox_events (consumer, event_id) VALUES (${consumer}, ${event.id})
        ON CONFLICT DO NOTHING
        RETURNING event_id
      )
      INSERT INTO dead_letters (consumer, event_id, event, reason, attempts)
      SELECT ${consumer}, event_id, ${JSON.stringify(event)}::jsonb, ${reasonText(failure.reason)},
             ${failure.attempts}::integer
      FROM fresh
      ON CONFLICT DO NOTHING`)
  })
}

export interface Replay {
  /** The ids whose effects are now committed; their dead letters are gone. */
  readonly succeeded: readonly string[]
  /** Those that stay dead letters, with one more attempt counted. */
  readonly failed: readonly { readonly id: string; readonly reason: string }[]
}

export interface DeadLetter {
  readonly id: string
  readonly type: string
  readonly reason: string
  readonly attempts: number
  readonly failedAt: Date
}

const mostReplayed = 1_000

/** A consumer's dead letters, oldest first and 1,000 at most. */
export const listDeadLetters = (database: Database, consumer: string) =>
  database.many(sql<DeadLetter>`
    SELECT event_id AS id, event ->> 'type' AS type, reason, attempts, failed_at AS "failedAt"
      FROM dead_letters WHERE consumer = ${consumer} ORDER BY failed_at LIMIT ${mostReplayed}`)

/**
 * Handles a consumer's dead letters again, all or those named, oldest first and 1,000 at most, and removes those that succeed.
 * Newer events of the same aggregate may have been handled since: replaying is the operator's decision, so no position stops it.
 */
export async function replayDeadLetters(
  database: Database,
  consumer: string,
  handlers: EventHandlers,
  ids?: readonly string[],
): Promise<Replay> {
  const letters = await database.many(sql<{ event_id: string }>`
    SELECT event_id FROM dead_letters
    WHERE consumer = ${consumer} AND (${ids ?? null}::uuid[] IS NULL OR event_id = ANY(${ids ?? null}::uuid[]))
    ORDER BY failed_at, event ->> 'subject', (event ->> 'sequence')::integer
    LIMIT ${mostReplayed}`)
  const succeeded: string[] = []
  const failed: { id: string; reason: string }[] = []
  for (const { event_id: id } of letters) {
    try {
      if (await replayOne(database, consumer, handlers, id)) succeeded.push(id)
    } catch (error) {
      // Without its database nothing can be replayed or noted: the caller hears of it.
      if (error instanceof DomainError && error.code === 'edge.unavailable') throw error
      const reason = reasonText(error)
      failed.push({ id, reason })
      await database.run(sql`
        UPDATE dead_letters SET reason = ${reason}, attempts = attempts + 1, failed_at = now()
        WHERE consumer = ${consumer} AND event_id = ${id}`)
    }
  }
  return { succeeded, failed }
}

/** False when somebody else is replaying the letter, or just did. */
const replayOne = (database: Database, consumer: string, handlers: EventHandlers, id: string): Promise<boolean> =>
  database.transaction(async (tx) => {
    const letter = await tx.maybe(sql<{ event: DomainEvent }>`
      SELECT event FROM dead_letters WHERE consumer = ${consumer} AND event_id = ${id} FOR UPDATE SKIP LOCKED`)
    if (!letter) return false
    const handler = handlerOf(handlers, letter.event)
    if (!handler) throw new Error(`no handler for ${letter.event.type}`)
    await handler(tx, letter.event)
    await tx.run(sql`DELETE FROM dead_letters WHERE consumer = ${consumer} AND event_id = ${id}`)
    return true
  })

const reasonText = (reason: unknown): string => messageOf(reason).replaceAll('\0', '').slice(0, longestReason)
