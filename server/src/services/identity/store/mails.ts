import { type Queryable, type Statement, sql } from '../../../platform/db/database.ts'
import type { MailKind } from '../mails/kinds.ts'

/** A mail job with what its mail is written from. */
export interface MailRow {
  id: string
  contract: string
  kind: string
  challengeId: string | null
  /** Times that sending was begun. */
  attempts: number
  createdAt: Date
  sentAt: Date | null
  deadAt: Date | null
  lastError: string | null
  accountId: string
  email: string | null
  displayName: string | null
  locale: string
  /** The address that the job's link proves. */
  linkEmail: string | null
  /** False when link or code cannot be used any more, or there is none. */
  challengeOpen: boolean
  /** Whole minutes, 1 at least, that link or code were good for when the mail left, or are now. */
  minutesLeft: number
  ip: string | null
}

/**
 * Takes up to `limit` mails that are due, the longest waiting first, for `leaseSeconds`: until then nobody else takes them, and
 * after that somebody does, should this process have died meanwhile. Gives their ids.
 */
export const claimMails = async (db: Queryable, by: { limit: number; leaseSeconds: number }): Promise<string[]> => {
  const claimed = await db.many(sql<{ id: string }>`
    WITH due AS MATERIALIZED (
      SELECT id FROM mail_jobs WHERE sent_at IS NULL AND dead_at IS NULL AND due_at <= now()
       ORDER BY due_at LIMIT ${by.limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE mail_jobs j SET attempts = j.attempts + 1, due_at = now() + make_interval(secs => ${by.leaseSeconds})
      FROM due WHERE j.id = due.id
    RETURNING j.id`)
  return claimed.map(({ id }) => id)
}

/** Mail jobs, the newest first, with account, challenge and the address that the same transaction's activity came from. */
export const findMails = (db: Queryable, ids: readonly string[]) =>
  db.many(sql<MailRow>`
    SELECT j.id, j.contract, j.kind, j.challenge_id AS "challengeId", j.attempts, j.created_at AS "createdAt",
           j.sent_at AS "sentAt", j.dead_at AS "deadAt", j.last_error AS "lastError",
           a.id AS "accountId", a.email, a.display_name AS "displayName", a.locale,
           v.email AS "linkEmail", coalesce(c.open, false) AS "challengeOpen",
           greatest(1, ceil(extract(epoch FROM c.expires_at - coalesce(j.sent_at, now())) / 60))::integer AS "minutesLeft",
           host(seen.ip) AS ip
      FROM mail_jobs j
      JOIN accounts a ON a.id = j.account_id
      LEFT JOIN verification_tokens v ON v.id = j.challenge_id
      LEFT JOIN mfa_codes m ON m.id = j.challenge_id
      LEFT JOIN LATERAL (
        SELECT coalesce(v.expires_at, m.expires_at) AS expires_at,
               coalesce(v.expires_at, m.expires_at) > now() AND coalesce(v.used_at, v.revoked_at, m.used_at, m.revoked_at) IS NULL AS open
      ) c ON c.expires_at IS NOT NULL
      LEFT JOIN LATERAL (
        SELECT ip FROM activities WHERE account_id = j.account_id AND created_at = j.created_at AND ip IS NOT NULL LIMIT 1
      ) seen ON true
     WHERE j.id = ANY(${ids}::uuid[])
     ORDER BY j.id DESC`)

/** The ids of the newest jobs, whatever their state. */
export const newestMails = async (db: Queryable, limit: number): Promise<string[]> => {
  const newest = await db.many(sql<{ id: string }>`SELECT id FROM mail_jobs ORDER BY id DESC LIMIT ${limit}`)
  return newest.map(({ id }) => id)
}

/**
 * Queues a mail to an account with a proven address, unless it was mailed one of the kind within the time; the account's row has to
 * be locked in the transaction already.
 */
export const queueMailOnce = (
  tx: Queryable,
  by: { id: string; accountId: string; realm: string; kind: MailKind; everySeconds: number },
) =>
  tx.run(sql`
    INSERT INTO mail_jobs (id, account_id, contract, kind)
    SELECT ${by.id}::uuid, id, ${by.realm}::text, ${by.kind}::text FROM accounts
     WHERE id = ${by.accountId} AND email_verified_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM mail_jobs j WHERE j.account_id = ${by.accountId} AND j.kind = ${by.kind}::text
                         AND j.created_at > now() - make_interval(secs => ${by.everySeconds}))`)

/** Whoever claimed it last: a mail that was sent is sent. */
export const markMailSent = (db: Queryable, id: string) =>
  db.run(sql`
    UPDATE mail_jobs SET sent_at = now(), dead_at = NULL, last_error = NULL WHERE id = ${id} AND sent_at IS NULL`)

/** Counts as sent a mail that nobody needs any more. */
export const dropMail = (db: Queryable, id: string) =>
  db.run(sql`
    UPDATE mail_jobs SET sent_at = now(), last_error = 'no longer needed' WHERE id = ${id} AND sent_at IS NULL`)

interface FailedMail {
  id: string
  /** As they were when it was claimed: a later claim is not disturbed. */
  attempts: number
  reason: string
}

export const retryMailLater = (db: Queryable, by: FailedMail & { delayMs: number }) =>
  db.run(sql`
    UPDATE mail_jobs SET due_at = now() + make_interval(secs => ${by.delayMs / 1000}), last_error = ${by.reason}
     WHERE id = ${by.id} AND attempts = ${by.attempts} AND sent_at IS NULL`)

/** Gives a mail up: the dead letter. */
export const deadLetterMail = (db: Queryable, by: FailedMail) =>
  db.run(sql`
    UPDATE mail_jobs SET dead_at = now(), last_error = ${by.reason}
     WHERE id = ${by.id} AND attempts = ${by.attempts} AND sent_at IS NULL`)

/** For the pruning job: mails are kept 7 days after sending, those that were given up 30 days. */
export const pruneMails: readonly (() => Statement<unknown>)[] = [
  () => sql`
    DELETE FROM mail_jobs WHERE id IN (
      SELECT id FROM mail_jobs WHERE sent_at < now() - interval '7 days' LIMIT 1000)`,
  () => sql`
    DELETE FROM mail_jobs WHERE id IN (
      SELECT id FROM mail_jobs WHERE dead_at < now() - interval '30 days' LIMIT 1000)`,
]
