import { type Queryable, sql } from '../../../platform/db/database.ts'

export interface DeadMail {
  id: string
  kind: string
  contract: string
  attempts: number
  deadAt: Date
  reason: string
}

/** Mails that were given up, oldest first and 1,000 at most. */
export const listDeadMails = (db: Queryable) =>
  db.many(sql<DeadMail>`
    SELECT id, kind, contract, attempts, dead_at AS "deadAt", coalesce(last_error, '') AS reason
      FROM mail_jobs WHERE dead_at IS NOT NULL ORDER BY dead_at LIMIT 1000`)

/** Makes mails that were given up due again, oldest first and 1,000 at most, and says how many. */
export const replayDeadMails = (db: Queryable): Promise<number> =>
  db.run(sql`
    UPDATE mail_jobs SET dead_at = NULL, attempts = 0, due_at = now()
     WHERE id IN (SELECT id FROM mail_jobs WHERE dead_at IS NOT NULL ORDER BY dead_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`)
