import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { pause, repeat } from '../signal.ts'
import { type Database, type Statement, sql } from './database.ts'

/** Rows that each statement of a pruning job removes at most. */
const batch = 1000
/** Batches of one statement per round, so that a backlog cannot hold a connection for long. */
const batchesPerRound = 20

/** The one pruning job of a service: removes what its retention time is over for, in small steps, for ever. */
export function startPruning(options: {
  database: Database
  /** Each removes at most 1000 rows. */
  statements: readonly (() => Statement<unknown>)[]
  everyMs: number
  log: Logger
}) {
  const { database, statements, everyMs, log } = options
  const prune = async (statement: () => Statement<unknown>, signal: AbortSignal) => {
    for (let turn = 0; turn < batchesPerRound && !signal.aborted; turn += 1) {
      if ((await database.run(statement())) < batch) break
    }
  }
  return repeat(async (signal) => {
    for (const statement of statements) {
      // One that fails does not keep the others from their work.
      await prune(statement, signal).catch((error: unknown) =>
        log.warn({ database: database.name, reason: messageOf(error) }, 'pruning failed'),
      )
    }
    await pause(everyMs, signal)
  })
}

/** Published events are kept 7 days. */
export const pruneOutbox = () => sql`
  DELETE FROM outbox_events WHERE id IN (
    SELECT id FROM outbox_events WHERE published_at < now() - interval '7 days' LIMIT 1000)`

/** Handled events are remembered 30 days. */
export const pruneInbox = () => sql`
  DELETE FROM inbox_events WHERE ctid IN (
    SELECT ctid FROM inbox_events WHERE handled_at < now() - interval '30 days' LIMIT 1000)`
