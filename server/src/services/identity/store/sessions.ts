import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { AccountRow } from './accounts.ts'
import type { Origin } from './activities.ts'

/** An account joined with its live session. */
export interface SessionRow extends AccountRow {
  sessionId: string
  amr: string[]
  expiresAt: Date
}

/** The winner's rotation: marks the presented token replaced, keeps its sealed successor, and inserts the successor. */
export const rotateRefreshToken = (
  db: Queryable,
  by: Origin & {
    presented: Buffer
    contract: string
    successor: Buffer
    sealed: Buffer
    expiresAt: Date
    /** Seconds after which a session ends however often it is refreshed. */
    sessionMax: number
  },
) =>
  db.maybe(sql<SessionRow>`
    WITH replaced AS (
      UPDATE refresh_tokens t SET replaced_at = now(), successor_sealed = ${by.sealed}
        FROM sessions s
       WHERE t.token_hash = ${by.presented} AND t.replaced_at IS NULL AND t.expires_at > now()
         AND s.id = t.session_id AND s.ended_at IS NULL AND s.contract = ${by.contract}
         AND s.created_at > now() - make_interval(secs => ${by.sessionMax})
      RETURNING t.session_id, s.created_at
    ), successor AS (
      INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
      SELECT ${by.successor}::bytea, session_id,
             least(${by.expiresAt}::timestamptz, created_at + make_interval(secs => ${by.sessionMax})) FROM replaced
      RETURNING session_id, expires_at
    ), extended AS (
      UPDATE sessions s SET expires_at = successor.expires_at FROM successor WHERE s.id = successor.session_id
      RETURNING s.id, s.account_id, s.contract, s.expires_at, s.amr
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT a.id, a.tenant_id, s.contract, 'refresh', ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512)
        FROM extended s JOIN accounts a ON a.id = s.account_id
    )
    SELECT d.*, s.id AS "sessionId", s.amr, s.expires_at AS "expiresAt"
      FROM extended s JOIN member_details d ON d.id = s.account_id AND d.realm = s.contract`)

export interface RefreshTokenRow extends SessionRow {
  replacedAt: Date | null
  successorSealed: Buffer | null
  /** True when it was replaced no longer ago than the grace. */
  inGrace: boolean
  expired: boolean
  ended: boolean
}

/** One refresh token of a contract, whatever its state. */
export const findRefreshToken = (
  db: Queryable,
  by: { hash: Buffer; contract: string; graceSeconds: number; sessionMax: number },
) =>
  db.maybe(sql<RefreshTokenRow>`
    SELECT d.*, s.id AS "sessionId", s.amr, t.expires_at AS "expiresAt", t.replaced_at AS "replacedAt",
           t.successor_sealed AS "successorSealed", t.expires_at <= now() OR s.created_at <= now() - make_interval(secs => ${by.sessionMax}) AS expired, s.ended_at IS NOT NULL AS ended,
           coalesce(t.replaced_at > now() - make_interval(secs => ${by.graceSeconds}), false) AS "inGrace"
      FROM refresh_tokens t
      JOIN sessions s ON s.id = t.session_id AND s.contract = ${by.contract}
      JOIN member_details d ON d.id = s.account_id AND d.realm = s.contract
     WHERE t.token_hash = ${by.hash}`)

/** Which of these tokens the contract issued: of several cookies of one name, its own. */
export const findIssued = (db: Queryable, hashes: readonly Buffer[], contract: string) =>
  db.maybe(sql<{ hash: Buffer }>`
    SELECT t.token_hash AS hash FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id AND s.contract = ${contract}
     WHERE t.token_hash = ANY(${hashes}::bytea[]) ORDER BY t.created_at DESC LIMIT 1`)

/** True for a refresh token of any contract, whatever its state. */
export const isRefreshToken = async (db: Queryable, hash: Buffer): Promise<boolean> =>
  (await db.maybe(sql<{ found: boolean }>`SELECT true AS found FROM refresh_tokens WHERE token_hash = ${hash}`)) !==
  undefined

export type EndReason = 'logout' | 'logout_everywhere' | 'password_changed' | 'refresh_token_reused' | 'operator'

/** Ends a session and revokes its access tokens until `until`; `events` are emitted when it was alive. */
export const endSession = (
  db: Queryable,
  by: Origin & {
    sessionId: string
    reason: EndReason
    until: Date
    events: string
    activity: string | null
  },
) =>
  db.run(sql`
    WITH ended AS (
      UPDATE sessions SET ended_at = now(), end_reason = ${by.reason}::text
       WHERE id = ${by.sessionId} AND ended_at IS NULL
      RETURNING id, account_id, contract
    ), emitted AS (
      UPDATE accounts a SET sequence = a.sequence + jsonb_array_length(${by.events}::jsonb) FROM ended
       WHERE a.id = ended.account_id AND jsonb_array_length(${by.events}::jsonb) > 0
      RETURNING a.id, a.sequence
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM emitted, events_of(emitted.id, emitted.sequence, ${by.events}::jsonb) e
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT a.id, a.tenant_id, ended.contract, ${by.activity}::text, ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512)
        FROM ended JOIN accounts a ON a.id = ended.account_id WHERE ${by.activity}::text IS NOT NULL
    )
    INSERT INTO revocations (session_id, until) SELECT id, ${by.until}::timestamptz FROM ended`)

interface EndedSessions extends Origin {
  accountId: string
  /** Undefined: of every contract. */
  contract: string | undefined
  /** The session that stays. */
  except: string | undefined
  reason: EndReason
  until: Date
  events: string
  activity: string | null
  askedBy: string
}

/** Ends an account's sessions and revokes their access tokens. Gives how many there were. */
export const endSessions = async (db: Queryable, by: EndedSessions): Promise<number> => {
  const { ended } = await db.one(sql<{ ended: number }>`
    WITH ended AS (
      UPDATE sessions SET ended_at = now(), end_reason = ${by.reason}::text
       WHERE account_id = ${by.accountId} AND ended_at IS NULL AND (${by.contract ?? null}::text IS NULL OR contract = ${by.contract ?? null})
         AND id IS DISTINCT FROM ${by.except ?? null}::uuid
      RETURNING id
    ), revoked AS (
      INSERT INTO revocations (session_id, until) SELECT id, ${by.until}::timestamptz FROM ended
    ), challenges AS (
      UPDATE mfa_codes SET revoked_at = now()
       WHERE account_id = ${by.accountId} AND (${by.contract ?? null}::text IS NULL OR contract = ${by.contract ?? null})
         AND used_at IS NULL AND revoked_at IS NULL
    ), emitted AS (
      UPDATE accounts SET sequence = sequence + jsonb_array_length(${by.events}::jsonb) WHERE id = ${by.accountId}
      RETURNING id, tenant_id, sequence
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM emitted, events_of(emitted.id, emitted.sequence, ${by.events}::jsonb) e
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.askedBy}::text, ${by.activity}::text, ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512)
        FROM emitted WHERE ${by.activity}::text IS NOT NULL
    )
    SELECT count(*) AS ended FROM ended`)
  return ended
}

/** The live session that a refresh token of this account and contract belongs to. */
export const findSessionOfRefreshToken = (db: Queryable, by: { hash: Buffer; accountId: string; contract: string }) =>
  db.maybe(sql<{ sessionId: string }>`
    SELECT s.id AS "sessionId" FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
     WHERE t.token_hash = ${by.hash} AND s.account_id = ${by.accountId} AND s.contract = ${by.contract}`)

export interface ListedSession {
  id: string
  contract: string
  ip: string | null
  userAgent: string | null
  amr: string[]
  createdAt: Date
  expiresAt: Date
}

/** An account's live sessions, newest first. */
export const listSessions = (db: Queryable, accountId: string, limit: number) =>
  db.many(sql<ListedSession>`
    SELECT id, contract, host(ip) AS ip, user_agent AS "userAgent", amr, created_at AS "createdAt", expires_at AS "expiresAt"
      FROM sessions WHERE account_id = ${accountId} AND ended_at IS NULL AND expires_at > now()
     ORDER BY created_at DESC LIMIT ${limit}`)

/** Whether a session and its member's version are still good: what a verifier asks when its own list cannot tell. */
export const isTokenActive = async (db: Queryable, by: { sessionId: string; accountId: string; version: number }) => {
  const { stands } = await db.one(sql<{ stands: boolean }>`
    SELECT EXISTS (SELECT 1 FROM sessions s JOIN member_details m ON m.id = s.account_id AND m.realm = s.contract
                    WHERE s.id = ${by.sessionId} AND m.id = ${by.accountId} AND s.ended_at IS NULL
                      AND m.active AND m.version <= ${by.version}) AS stands`)
  return stands
}
