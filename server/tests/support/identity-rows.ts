import { expect, vi } from 'vitest'
import type { Database, Queryable, Statement } from '../../src/platform/db/database.ts'
import { sql } from '../../src/platform/db/database.ts'
import type { AccessClaims } from '../../src/platform/tokens/verifier.ts'
import type { Session } from '../../src/services/identity/index.ts'

/** The claims of a session's access token, as a route that checked it hands them on. */
export function claimsOf({ accessToken }: Session): AccessClaims {
  const [, payload = ''] = accessToken.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
}

/** The code of a refusal; undefined for what was not refused. */
export async function errorCodeOf(attempt: Promise<unknown>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error) return String(error.code)
      throw error
    },
  )
}

/** How many of these attempts ended in which way: `success`, or the code of the refusal. */
export async function tallyOf(attempts: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const tally: Record<string, number> = {}
  for (const outcome of await Promise.all(attempts.map(errorCodeOf))) {
    tally[outcome ?? 'success'] = (tally[outcome ?? 'success'] ?? 0) + 1
  }
  return tally
}

/** What identity's tables hold about an account, for tests to look at. */
export function identityRows(service: { readonly database: Database }) {
  const db = () => service.database
  return {
    /** Kinds of mail queued for it, oldest first. */
    mails: async (accountId: string): Promise<string[]> =>
      (
        await db().many(sql<{ kind: string }>`SELECT kind FROM mail_jobs WHERE account_id = ${accountId} ORDER BY id`)
      ).map(({ kind }) => kind),
    /** Its events in their order, wherever they stand in the outbox. */
    events: (accountId: string) =>
      db().many(sql<{ type: string; sequence: number; data: Record<string, unknown> }>`
        SELECT type, sequence, data FROM outbox_events WHERE aggregate_id = ${accountId} ORDER BY sequence`),
    /** Its activities, oldest first. */
    activities: (accountId: string) =>
      db().many(sql<{ action: string; details: Record<string, unknown> }>`
        SELECT action, details FROM activities WHERE account_id = ${accountId} ORDER BY id`),
    /** Sessions that are open. */
    openSessions: async (accountId: string): Promise<number> =>
      (
        await db().one(sql<{ open: number }>`
          SELECT count(*) AS open FROM sessions WHERE account_id = ${accountId} AND ended_at IS NULL`)
      ).open,
    /** As if the account, with its links, codes and mails, had been made so many hours earlier. */
    async age(accountId: string, hours: number): Promise<void> {
      await db().run(sql`
        UPDATE accounts SET created_at = created_at - make_interval(hours => ${hours}) WHERE id = ${accountId}`)
      await db().run(sql`
        UPDATE verification_tokens SET created_at = created_at - make_interval(hours => ${hours}),
               expires_at = expires_at - make_interval(hours => ${hours}) WHERE account_id = ${accountId}`)
      await db().run(sql`
        UPDATE mfa_codes SET created_at = created_at - make_interval(hours => ${hours}),
               expires_at = expires_at - make_interval(hours => ${hours}) WHERE account_id = ${accountId}`)
    },
    /**
     * Runs `work` in a transaction that holds the account's row while `start` waits for that row; gives what `start` comes to
     * once the transaction is committed.
     */
    async overtaking<Result>(
      accountId: string,
      start: () => Promise<Result>,
      work: (tx: Queryable) => Promise<unknown>,
    ): Promise<Result> {
      const lock = sql`SELECT id FROM accounts WHERE id = ${accountId} FOR UPDATE`
      const [running] = await startBehind(db(), lock, [start], work)
      if (!running) throw new Error('nothing was started')
      return running
    },
    /** Starts all of these behind one lock, where each waits; gives what they come to once it is released. */
    async allAtOnce<Result>(
      lock: Statement<unknown>,
      starts: readonly (() => Promise<Result>)[],
    ): Promise<Promise<Result>[]> {
      return startBehind(db(), lock, starts, async () => undefined)
    },
  }
}

async function startBehind<Result>(
  database: Database,
  lock: Statement<unknown>,
  starts: readonly (() => Promise<Result>)[],
  work: (tx: Queryable) => Promise<unknown>,
): Promise<Promise<Result>[]> {
  return database.transaction(async (tx) => {
    await tx.run(lock)
    const running = starts.map((start) => start())
    // Looked at once the transaction is over; a refusal before that is not one that nobody handles.
    for (const one of running) one.catch(() => undefined)
    await vi.waitFor(async () => expect(await waiting(database)).toBe(starts.length), { timeout: 5_000, interval: 5 })
    await work(tx)
    return running
  })
}

const waiting = async (db: Database): Promise<number> =>
  (
    await db.one(sql<{ count: number }>`
      SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
  ).count
