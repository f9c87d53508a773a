import type { Queryable } from '../../platform/db/database.ts'
import { sql } from '../../platform/db/database.ts'
import type { AccountView } from './policy.ts'

/** An account with what a sign-in has to know of it. `role` is null without a grant for the contract. */
export interface Credentials {
  id: string | null
  number: number
  username: string
  email: string | null
  passwordHash: string | null
  version: number
  active: boolean
  role: string | null
  failures: number
  lockedUntil: Date | null
}

/** An account joined with its live session. */
export interface SessionRow {
  sessionId: string
  accountId: string
  number: number
  username: string
  email: string | null
  version: number
  role: string | null
  expiresAt: Date
}

export const viewOf = (row: SessionRow, person: string): AccountView => ({
  id: row.accountId,
  number: row.number,
  username: row.username,
  email: row.email,
  role: row.role ?? person,
})

/** Round trip 1 of a sign-in: one row whether the account and the counter exist or not. */
export const findCredentials = (
  db: Queryable,
  by: { tenant: string; username: string; contract: string; counter: Buffer },
) =>
  db.one(sql<Credentials>`
    SELECT a.id, a.number, a.username, a.email, a.password_hash AS "passwordHash", a.version, a.active, g.role,
           coalesce(c.failures, 0) AS failures, c.locked_until AS "lockedUntil"
      FROM (VALUES (1)) AS always
      LEFT JOIN tenants t ON t.name = ${by.tenant}
      LEFT JOIN accounts a ON a.tenant_id = t.id AND lower(a.username) = lower(${by.username})
      LEFT JOIN grants g ON g.account_id = a.id AND g.contract = ${by.contract}
      LEFT JOIN sign_in_counters c ON c.key = ${by.counter} AND c.expires_at > now()`)

/**
 * Counts one failure. Counting starts anew when the counter has expired; while a lock holds, further failures change nothing.
 * Gives the count.
 */
export const countFailure = (db: Queryable, counter: Buffer, lockout: { failures: number; seconds: number }) =>
  db.one(sql<{ failures: number }>`
    INSERT INTO sign_in_counters AS c (key, failures, locked_until, expires_at)
    VALUES (${counter}, 1, CASE WHEN 1 >= ${lockout.failures}::int THEN now() + make_interval(secs => ${lockout.seconds}) END,
            now() + make_interval(secs => ${lockout.seconds}))
    ON CONFLICT (key) DO UPDATE SET
      failures = CASE WHEN c.expires_at <= now() THEN 1 WHEN c.locked_until > now() THEN c.failures ELSE c.failures + 1 END,
      locked_until = CASE
        WHEN c.expires_at <= now() THEN NULL
        WHEN c.locked_until > now() THEN c.locked_until
        WHEN c.failures + 1 >= ${lockout.failures}::int THEN now() + make_interval(secs => ${lockout.seconds}) END,
      expires_at = CASE WHEN c.expires_at > now() AND c.locked_until > now() THEN c.expires_at
        ELSE now() + make_interval(secs => ${lockout.seconds}) END
    RETURNING failures`)

export const forgetFailures = (db: Queryable, counter: Buffer) =>
  db.run(sql`DELETE FROM sign_in_counters WHERE key = ${counter}`)

interface OpenedSession {
  sessionId: string
  accountId: string
  /** The version that the password was checked against: a change since then refuses the sign-in. */
  version: number
  contract: string
  ip: string
  userAgent: string | undefined
  tokenHash: Buffer
  expiresAt: Date
  counter: Buffer
  /** A new hash of the same password, when the stored one was made with another function or cost. */
  upgradedHash: string | undefined
}

/** Round trip 2 of a sign-in: session, refresh token, counter and hash upgrade in one statement. False when the account changed meanwhile. */
export const openSession = async (db: Queryable, session: OpenedSession): Promise<boolean> => {
  const opened = await db.run(sql`
    WITH account AS (
      SELECT id FROM accounts WHERE id = ${session.accountId} AND version = ${session.version} AND active
    ), upgraded AS (
      UPDATE accounts SET password_hash = ${session.upgradedHash ?? null}::text
       WHERE id = (SELECT id FROM account) AND ${session.upgradedHash ?? null}::text IS NOT NULL
    ), forgotten AS (
      DELETE FROM sign_in_counters WHERE key = ${session.counter} AND EXISTS (SELECT 1 FROM account)
    ), opened AS (
      INSERT INTO sessions (id, account_id, contract, ip, user_agent, expires_at)
      SELECT ${session.sessionId}::uuid, id, ${session.contract}::text, ${session.ip}::inet,
             left(${session.userAgent ?? null}::text, 512), ${session.expiresAt}::timestamptz FROM account
      RETURNING id, expires_at
    )
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT ${session.tokenHash}::bytea, id, expires_at FROM opened`)
  return opened === 1
}

/** The winner's rotation: marks the presented token replaced, keeps its sealed successor, and inserts the successor. */
export const rotateRefreshToken = (
  db: Queryable,
  by: { presented: Buffer; contract: string; successor: Buffer; sealed: Buffer; expiresAt: Date },
) =>
  db.maybe(sql<SessionRow>`
    WITH replaced AS (
      UPDATE refresh_tokens t SET replaced_at = now(), successor_sealed = ${by.sealed}
        FROM sessions s
       WHERE t.token_hash = ${by.presented} AND t.replaced_at IS NULL AND t.expires_at > now()
         AND s.id = t.session_id AND s.ended_at IS NULL AND s.contract = ${by.contract}
      RETURNING t.session_id
    ), successor AS (
      INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
      SELECT ${by.successor}::bytea, session_id, ${by.expiresAt}::timestamptz FROM replaced
      RETURNING session_id, expires_at
    ), extended AS (
      UPDATE sessions s SET expires_at = successor.expires_at FROM successor WHERE s.id = successor.session_id
      RETURNING s.id, s.account_id, s.contract, s.expires_at
    )
    SELECT s.id AS "sessionId", a.id AS "accountId", a.number, a.username, a.email, a.version, g.role,
           s.expires_at AS "expiresAt"
      FROM extended s
      JOIN accounts a ON a.id = s.account_id
      LEFT JOIN grants g ON g.account_id = a.id AND g.contract = s.contract`)

export interface RefreshTokenRow extends SessionRow {
  replacedAt: Date | null
  successorSealed: Buffer | null
  /** True when it was replaced no longer ago than the grace. */
  inGrace: boolean
  expired: boolean
  ended: boolean
}

/** One refresh token of a contract, whatever its state. */
export const findRefreshToken = (db: Queryable, by: { hash: Buffer; contract: string; graceSeconds: number }) =>
  db.maybe(sql<RefreshTokenRow>`
    SELECT s.id AS "sessionId", a.id AS "accountId", a.number, a.username, a.email, a.version, g.role,
           t.expires_at AS "expiresAt", t.replaced_at AS "replacedAt", t.successor_sealed AS "successorSealed",
           t.expires_at <= now() AS expired, s.ended_at IS NOT NULL AS ended,
           coalesce(t.replaced_at > now() - make_interval(secs => ${by.graceSeconds}), false) AS "inGrace"
      FROM refresh_tokens t
      JOIN sessions s ON s.id = t.session_id AND s.contract = ${by.contract}
      JOIN accounts a ON a.id = s.account_id
      LEFT JOIN grants g ON g.account_id = a.id AND g.contract = s.contract
     WHERE t.token_hash = ${by.hash}`)

/** Ends a session and revokes its access tokens until `until`. A reuse is also told to the other services. */
export const endSession = (
  db: Queryable,
  by: { sessionId: string; reason: 'logout' | 'refresh_token_reused'; until: Date; eventId: string },
) =>
  db.run(sql`
    WITH ended AS (
      UPDATE sessions SET ended_at = now(), end_reason = ${by.reason}::text
       WHERE id = ${by.sessionId} AND ended_at IS NULL
      RETURNING id, account_id, contract
    ), told AS (
      UPDATE accounts a SET sequence = a.sequence + 1 FROM ended
       WHERE a.id = ended.account_id AND ${by.reason}::text = 'refresh_token_reused'
      RETURNING a.id, a.sequence
    ), event AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT ${by.eventId}::uuid, told.id, told.sequence, 'session.revoked',
             jsonb_build_object('sessionId', ended.id, 'contract', ended.contract, 'reason', ${by.reason}::text)
        FROM told, ended
    )
    INSERT INTO revocations (session_id, until) SELECT id, ${by.until}::timestamptz FROM ended`)

/** The live session that a refresh token of this account and contract belongs to. */
export const findSessionOfRefreshToken = (db: Queryable, by: { hash: Buffer; accountId: string; contract: string }) =>
  db.maybe(sql<{ sessionId: string }>`
    SELECT s.id AS "sessionId" FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
     WHERE t.token_hash = ${by.hash} AND s.account_id = ${by.accountId} AND s.contract = ${by.contract}`)

/** True when the name belongs to an account of the tenant, or once did. */
export const usernameTaken = async (db: Queryable, tenant: string, username: string): Promise<boolean> => {
  const { taken } = await db.one(sql<{ taken: boolean }>`
    SELECT EXISTS (SELECT 1 FROM accounts a JOIN tenants t ON t.id = a.tenant_id
                    WHERE t.name = ${tenant} AND lower(a.username) = lower(${username}))
        OR EXISTS (SELECT 1 FROM retired_usernames r JOIN tenants t ON t.id = r.tenant_id
                    WHERE t.name = ${tenant} AND r.username_hash = sha256(convert_to(lower(${username}), 'UTF8'))) AS taken`)
  return taken
}

export interface NewAccount {
  id: string
  tenant: string
  username: string
  email: string | null
  passwordHash: string | null
  eventId: string
  grant?: { contract: string; role: string; administrator: boolean } | undefined
}

export interface AccountRow {
  id: string
  number: number
  username: string
  email: string | null
}

/** Account, grant and event in one statement; undefined when the name is taken or was. */
export const insertAccount = (db: Queryable, account: NewAccount) =>
  db.maybe(sql<AccountRow>`
    WITH created AS (
      INSERT INTO accounts (id, tenant_id, username, email, password_hash, sequence)
      SELECT ${account.id}::uuid, t.id, ${account.username}::text, ${account.email}::text, ${account.passwordHash}::text, 1
        FROM tenants t
       WHERE t.name = ${account.tenant}
         AND NOT EXISTS (SELECT 1 FROM retired_usernames r WHERE r.tenant_id = t.id
                          AND r.username_hash = sha256(convert_to(lower(${account.username}::text), 'UTF8')))
      ON CONFLICT (tenant_id, lower(username)) DO NOTHING
      RETURNING id, number, tenant_id, username, email
    ), granted AS (
      INSERT INTO grants (account_id, contract, role, administrator)
      SELECT id, ${account.grant?.contract ?? null}::text, ${account.grant?.role ?? null}::text,
             ${account.grant?.administrator ?? false}::boolean
        FROM created WHERE ${account.grant?.contract ?? null}::text IS NOT NULL
    ), event AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT ${account.eventId}::uuid, id, 1, 'account.registered',
             jsonb_build_object('number', number, 'tenantId', tenant_id, 'username', username, 'email', email)
        FROM created
    )
    SELECT id, number, username, email FROM created`)

export const findAccount = (db: Queryable, id: string) =>
  db.maybe(sql<AccountRow>`SELECT id, number, username, email FROM accounts WHERE id = ${id}`)

export const findAccountByUsername = (db: Queryable, tenant: string, username: string) =>
  db.maybe(sql<AccountRow>`
    SELECT a.id, a.number, a.username, a.email FROM accounts a JOIN tenants t ON t.id = a.tenant_id
     WHERE t.name = ${tenant} AND lower(a.username) = lower(${username})`)

/** Locks the account against changes of its role or its deletion until the transaction ends. */
export const lockAccount = (tx: Queryable, id: string) =>
  tx.maybe(sql<{ tenantId: string; username: string; sequence: number; version: number }>`
    SELECT tenant_id AS "tenantId", username, sequence, version FROM accounts WHERE id = ${id} FOR UPDATE`)

/**
 * The contracts whose last administrator this account is. Locks every administrator's grant of those contracts first, in
 * one order, so that two administrators cannot remove each other at once.
 */
export const contractsAdministeredAlone = (tx: Queryable, accountId: string) =>
  tx.many(sql<{ contract: string }>`
    WITH mine AS (SELECT contract FROM grants WHERE account_id = ${accountId} AND administrator),
    everyone AS MATERIALIZED (
      SELECT g.contract, g.account_id FROM grants g
       WHERE g.administrator AND g.contract IN (SELECT contract FROM mine) ORDER BY g.contract, g.account_id FOR UPDATE
    )
    SELECT contract FROM everyone GROUP BY contract HAVING count(*) = 1`)

/** Removes the account with all it holds, keeps its name from being reissued, refuses its tokens and tells the others. */
export const removeAccount = (tx: Queryable, by: { accountId: string; until: Date; eventId: string }) =>
  tx.run(sql`
    WITH removed AS (
      DELETE FROM accounts WHERE id = ${by.accountId} RETURNING id, tenant_id, username, version, sequence
    ), retired AS (
      INSERT INTO retired_usernames (tenant_id, username_hash)
      SELECT tenant_id, sha256(convert_to(lower(username), 'UTF8')) FROM removed ON CONFLICT DO NOTHING
    ), revoked AS (
      INSERT INTO revocations (account_id, minimum_version, until) SELECT id, version + 1, ${by.until}::timestamptz FROM removed
    )
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    SELECT ${by.eventId}::uuid, id, sequence + 1, 'account.deleted', '{}'::jsonb FROM removed`)

/** Gives a role and raises the account's version, so that tokens with the old role are refused. */
export const setRole = (
  tx: Queryable,
  by: { accountId: string; contract: string; role: string; administrator: boolean; until: Date; eventId: string },
) =>
  tx.run(sql`
    WITH granted AS (
      INSERT INTO grants (account_id, contract, role, administrator)
      VALUES (${by.accountId}, ${by.contract}, ${by.role}, ${by.administrator})
      ON CONFLICT (account_id, contract) DO UPDATE SET role = excluded.role, administrator = excluded.administrator, granted_at = now()
    ), raised AS (
      UPDATE accounts SET version = version + 1, sequence = sequence + 1, updated_at = now() WHERE id = ${by.accountId}
      RETURNING id, version, sequence
    ), revoked AS (
      INSERT INTO revocations (account_id, minimum_version, until) SELECT id, version, ${by.until}::timestamptz FROM raised
    )
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    SELECT ${by.eventId}::uuid, id, sequence, 'account.role_changed',
           jsonb_build_object('contract', ${by.contract}::text, 'role', ${by.role}::text) FROM raised`)

export const hasAdministrator = async (db: Queryable, contract: string): Promise<boolean> => {
  const { found } = await db.one(sql<{ found: boolean }>`
    SELECT EXISTS (SELECT 1 FROM grants WHERE contract = ${contract} AND administrator) AS found`)
  return found
}

/** Whether a session and an account version are still good: what a verifier asks when its own list cannot tell. */
export const tokenStands = async (db: Queryable, by: { sessionId: string; accountId: string; version: number }) => {
  const { stands } = await db.one(sql<{ stands: boolean }>`
    SELECT EXISTS (SELECT 1 FROM sessions s JOIN accounts a ON a.id = s.account_id
                    WHERE s.id = ${by.sessionId} AND a.id = ${by.accountId} AND s.ended_at IS NULL
                      AND a.active AND a.version <= ${by.version}) AS stands`)
  return stands
}

/** Statements of the pruning job, each bounded: what is over is kept as long as the retention table says. */
export const pruning = {
  seals: (graceSeconds: number) => sql`
    UPDATE refresh_tokens SET successor_sealed = NULL WHERE token_hash IN (
      SELECT token_hash FROM refresh_tokens WHERE successor_sealed IS NOT NULL
         AND replaced_at <= now() - make_interval(secs => ${graceSeconds}) LIMIT 1000)`,
  sessions: () => sql`
    DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE coalesce(ended_at, expires_at) < now() - interval '30 days' LIMIT 1000)`,
  refreshTokens: () => sql`
    DELETE FROM refresh_tokens WHERE token_hash IN (
      SELECT token_hash FROM refresh_tokens WHERE expires_at < now() - interval '7 days' LIMIT 1000)`,
  counters: () => sql`
    DELETE FROM sign_in_counters WHERE key IN (SELECT key FROM sign_in_counters WHERE expires_at <= now() LIMIT 1000)`,
  revocations: () => sql`
    DELETE FROM revocations WHERE id IN (SELECT id FROM revocations WHERE until < now() LIMIT 1000)`,
}
