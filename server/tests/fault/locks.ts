import pg from 'pg'
import { expect } from 'vitest'
import { eventually, rowsOf } from './calls.ts'

/** A lock that a test holds on a database, so that another process stops at the point where it wants the same. */
export interface Held {
  release(): Promise<void>
}

/** Takes the lock of a statement (`LOCK TABLE …`, `SELECT … FOR UPDATE`) in a transaction that stays open. */
export async function hold(postgresUrl: string, database: string, statement: string): Promise<Held> {
  const url = new URL(postgresUrl)
  url.pathname = `/${database}`
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  // The server may be stopped by whoever starts next; its end of the lock is gone then as well.
  client.on('error', () => undefined)
  await client.query('BEGIN')
  await client.query(statement)
  return {
    async release() {
      await client.query('ROLLBACK').catch(() => undefined)
      await client.end().catch(() => undefined)
    },
  }
}

const waiting = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`

/** Waits until `count` statements at least stand before a lock in the database. */
export const someoneWaits = (postgresUrl: string, database: string, count = 1) =>
  eventually(10_000, async () =>
    expect((await rowsOf(postgresUrl, database, `SELECT pid ${waiting}`)).length).toBeGreaterThanOrEqual(count),
  )

/**
 * Ends the sessions that stand before a lock. A session outlives the process whose statement it runs until that statement is
 * over: without this the killed would still have their last word.
 */
export const endTheWaiting = (postgresUrl: string, database: string) =>
  eventually(10_000, async () => {
    await rowsOf(postgresUrl, database, `SELECT pg_terminate_backend(pid) ${waiting}`)
    expect(await rowsOf(postgresUrl, database, `SELECT pid ${waiting}`)).toEqual([])
  })
