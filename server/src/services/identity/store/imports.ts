import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { ImportedAccount } from '../imported-account.ts'

export interface NewTenant {
  id: string
  name: string
}

/** Makes those of the tenants that there are not yet; names are compared without case. */
export const ensureTenants = (tx: Queryable, tenants: readonly NewTenant[]) =>
  tx.run(sql`
    INSERT INTO tenants (id, name)
    SELECT id, name FROM jsonb_to_recordset(${JSON.stringify(tenants)}::jsonb) AS t(id uuid, name text)
    ON CONFLICT (lower(name)) DO NOTHING`)

export interface ImportedRow extends ImportedAccount {
  id: string
  /** Of its registration and of its membership. */
  eventIds: readonly [string, string]
}

/**
 * Accounts with their memberships, activities and events, in one statement. Whoever's proven address is that of an account becomes a
 * member of the realm and keeps the account's password; whose name is taken, or once was, is left out, and so is who is a member
 * already. Gives how many accounts were written, and how many joined.
 */
export const insertImported = (
  tx: Queryable,
  rows: readonly ImportedRow[],
  realm: string,
): Promise<{ written: number; joined: number }> =>
  tx.one(sql<{ written: number; joined: number }>`
    WITH given AS (
      SELECT r.*, t.id AS tenant_id, t.name AS tenant_name, known.id AS known_id
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(
               id uuid, "eventIds" uuid[], tenant text, username text, email text, "displayName" text, "passwordHash" text,
               "emailVerified" boolean, "secondFactor" boolean, role text, administrator boolean, locale text, active boolean,
               "createdAt" timestamptz)
        JOIN tenants t ON lower(t.name) = lower(r.tenant)
        LEFT JOIN accounts known ON known.tenant_id = t.id AND lower(known.email) = lower(r.email) AND r."emailVerified"
                                AND known.email_verified_at IS NOT NULL
       WHERE NOT EXISTS (SELECT 1 FROM retired_usernames u WHERE u.tenant_id = t.id
                          AND u.username_hash = sha256(convert_to(lower(r.username), 'UTF8')))
    ), created AS (
      INSERT INTO accounts (id, tenant_id, username, email, email_verified_at, second_factor, display_name, password_hash,
                            locale, sequence, created_at)
      SELECT id, tenant_id, username, email, CASE WHEN "emailVerified" THEN now() END, "secondFactor", "displayName",
             "passwordHash", locale, 2, coalesce("createdAt", now())
        FROM given
       WHERE known_id IS NULL
       ORDER BY id
      ON CONFLICT DO NOTHING
      RETURNING id, number, tenant_id, username, email, display_name, created_at, sequence
    ), members AS (
      INSERT INTO memberships (account_id, realm, role, administrator, state, origin)
      SELECT coalesce(g.known_id, c.id), ${realm}::text, g.role, g.administrator,
             CASE WHEN g.active THEN 'active' ELSE 'inactive' END, 'imported'
        FROM given g LEFT JOIN created c USING (id) WHERE g.known_id IS NOT NULL OR c.id IS NOT NULL
       ORDER BY 1
      ON CONFLICT DO NOTHING
      RETURNING account_id, since
    ), joined AS (
      UPDATE accounts a SET sequence = a.sequence + 1, revision = a.revision + 1
        FROM members m JOIN given g ON g.known_id = m.account_id WHERE a.id = m.account_id
      RETURNING a.id, a.number, a.tenant_id, a.username, a.email, a.display_name, a.created_at, a.sequence
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action)
      SELECT id, tenant_id, ${realm}::text, 'import' FROM created UNION ALL SELECT id, tenant_id, ${realm}::text, 'import' FROM joined
    ), about AS (
      SELECT c.id, c.sequence, g."eventIds", g.known_id, jsonb_build_object(
               'number', c.number, 'username', c.username, 'email', c.email, 'displayName', c.display_name,
               'tenant', g.tenant_name, 'createdAt', c.created_at) AS account,
             jsonb_strip_nulls(jsonb_build_object('realm', ${realm}::text, 'role', g.role, 'origin', 'imported', 'since', m.since)) AS membership
        FROM (SELECT * FROM created UNION ALL SELECT * FROM joined) c JOIN given g ON c.id IN (g.id, g.known_id)
        JOIN members m ON m.account_id = c.id
    ), emitted AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT "eventIds"[1], id, 1, 'account.registered', account FROM about WHERE known_id IS NULL
      UNION ALL
      SELECT "eventIds"[2], id, sequence, 'membership.started', account || membership FROM about
    )
    SELECT (SELECT count(*) FROM created) AS written, (SELECT count(*) FROM joined) AS joined`)

export interface ImportedName {
  position: number
  tenant: string
  username: string
  /** The address, where it counts as proven. */
  provenEmail: string | null
}

export interface ImportConflict {
  position: number
  /** `joins`: the proven address is that of an account, which becomes a member with its own password. */
  kind: 'username' | 'email' | 'joins'
}

/** Which of the names and proven addresses belong to an account already, or once did. `email`: to a member of the realm. */
export const findImportConflicts = (db: Queryable, names: readonly ImportedName[], realm: string) =>
  db.many(sql<ImportConflict>`
    SELECT r.position, CASE WHEN known.member THEN 'email' WHEN known.id IS NOT NULL THEN 'joins' ELSE 'username' END AS kind
      FROM jsonb_to_recordset(${JSON.stringify(names)}::jsonb)
             AS r(position integer, tenant text, username text, "provenEmail" text)
      JOIN tenants t ON lower(t.name) = lower(r.tenant)
      LEFT JOIN LATERAL (
        SELECT a.id, EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = a.id AND m.realm = ${realm}) AS member
          FROM accounts a
         WHERE a.tenant_id = t.id AND lower(a.email) = lower(r."provenEmail") AND a.email_verified_at IS NOT NULL) known ON true
     WHERE known.id IS NOT NULL
        OR EXISTS (SELECT 1 FROM accounts WHERE tenant_id = t.id AND lower(username) = lower(r.username))
        OR EXISTS (SELECT 1 FROM accounts
                    WHERE tenant_id = t.id AND lower(email) = lower(r.username) AND email_verified_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM retired_usernames WHERE tenant_id = t.id
                    AND username_hash = sha256(convert_to(lower(r.username), 'UTF8')))
     ORDER BY r.position`)
