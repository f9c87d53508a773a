import type { Clock } from '../../../platform/clock.ts'
import { type Database, sql } from '../../../platform/db/database.ts'
import type { Notices } from '../../../platform/db/notices/index.ts'
import { refuseAtEdge } from '../../../platform/errors.ts'
import { createSignal } from '../../../platform/signal.ts'
import type { Revocation, RevocationFeed, RevocationPage } from '../../../platform/tokens/revocation-list.ts'

const channel = 'revocations'

/** How long a revoking request waits at most for the live readers to say that they have it, in milliseconds. */
const broadcastDeadlineMs = 300
/** A reader that has not asked for this long is not waited for: its own staleness guards it. */
const readerSilenceMs = 5_000

/** Revocations handed out at a time; one transaction writes far fewer. */
const pageSize = 5_000

/** Identity's side of the revocation feed: verifiers long-poll it, and a revoking request waits until they have it. */
export interface RevocationHub extends RevocationFeed {
  /** To be called after a revocation is committed: resolves when every live reader has it, or after 300 ms. */
  broadcast(): Promise<void>
  close(): void
}

interface Reader {
  /** The hub's revision that the reader has applied. */
  revision: number
  seenAt: number
}

export function openRevocationHub(database: Database, notices: Notices, clock: Clock): RevocationHub {
  const readers = new Map<string, Reader>()
  const news = createSignal()
  const confirmations = createSignal()
  let revision = clock.now()
  let closed = false

  const wake = () => {
    revision = Math.max(revision + 1, clock.now())
    news.notify()
  }
  const unsubscribe = notices.on(channel, wake)

  const page = async (cursor: string): Promise<RevocationPage> => {
    const at = revision
    const rows = await database.many(sql<Revocation & { xmin: string; transaction: string }>`
      SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, r.transaction_id::text AS transaction,
             r.session_id AS "sessionId", r.account_id AS "accountId", r.realm, r.minimum_version AS "minimumVersion",
             extract(epoch FROM r.until)::float8 AS until
        FROM (VALUES (1)) AS always
        LEFT JOIN LATERAL (
          SELECT * FROM revocations WHERE transaction_id >= ${cursor}::xid8 AND until > now()
           ORDER BY transaction_id, id LIMIT ${pageSize}) r ON true`)
    const revocations = rows.filter((row) => row.until !== null).map(({ xmin: _x, transaction: _t, ...row }) => row)
    const last = rows.at(-1)
    // A full page is not the end: the reader comes back at once, and has not applied the present revision yet.
    if (revocations.length === pageSize && last) return { cursor: last.transaction, revision: 0, revocations }
    return { cursor: last?.xmin ?? cursor, revision: at, revocations }
  }

  return {
    async next({ reader, cursor, revision: applied, waitMs, signal }) {
      if (closed) throw refuseAtEdge('edge.unavailable')
      for (const [id, { seenAt }] of readers) if (clock.now() - seenAt > readerSilenceMs * 10) readers.delete(id)
      readers.set(reader, { revision: applied, seenAt: clock.now() })
      confirmations.notify()
      if (applied >= revision) await news.wait(waitMs, signal)
      const known = readers.get(reader)
      if (known) known.seenAt = clock.now()
      return page(cursor)
    },
    async broadcast() {
      // Tells this process's readers at once, and those of the other instances by way of the database.
      const announced = notices.announce(channel)
      const target = revision
      const late = () =>
        [...readers.values()].some((one) => one.revision < target && clock.now() - one.seenAt < readerSilenceMs)
      const deadline = clock.now() + broadcastDeadlineMs
      while (late() && clock.now() < deadline && !closed) await confirmations.wait(deadline - clock.now())
      await announced
    },
    close() {
      closed = true
      unsubscribe()
      wake()
    },
  }
}
