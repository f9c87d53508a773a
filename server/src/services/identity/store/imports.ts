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
  eventId: string
}

/**
 * Accounts with their grants, activities and events, in one statement. Whoever's name or proven address is taken, or whose name
 * once was, is left out. Gives how many were written.
 */
export const insertImported = async (
  tx: Queryable,
  rows: readonly ImportedRow[],
  contract: string,
): Promise<number> => {
  const { written } = await tx.one(sql<{ written: number }>`
    WITH given AS (
      SELECT r.*, t.id AS tenant_id
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(
               id uuid, "eventId" uuid, tenant text, username text, email text, "displayName" text, "passwordHash" text,
               "emailVerified" boolean, "secondFactor" boolean, role text, administrator boolean, locale text, active boolean,
               "createdAt" timestamptz)
        JOIN tenants t ON lower(t.name) = lower(r.tenant)
       WHERE NOT EXISTS (SELECT 1 FROM retired_usernames u WHERE u.tenant_id = t.id
                          AND u.username_hash = sha256(convert_to(lower(r.username), 'UTF8')))
    ), created AS (
      INSERT INTO accounts (id, tenant_id, username, email, email_verified_at, second_factor, display_name, password_hash,
                            locale, active, sequence, created_at)
      SELECT id, tenant_id, username, email, CASE WHEN "emailVerified" THEN now() END, "secondFactor", "displayName",
             "passwordHash", locale, active, 1, coalesce("createdAt", now())
        FROM given
       ORDER BY id
      ON CONFLICT DO NOTHING
      RETURNING id, number, tenant_id, username, email, display_name, created_at
    ), granted AS (
      INSERT INTO grants (account_id, contract, role, administrator)
      SELECT c.id, ${contract}::text, g.role, g.administrator FROM created c JOIN given g USING (id) WHERE g.role IS NOT NULL
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action)
      SELECT id, tenant_id, ${contract}::text, 'import' FROM created
    ), emitted AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT g."eventId", c.id, 1, 'account.registered',
             jsonb_build_object('number', c.number, 'tenantId', c.tenant_id, 'username', c.username, 'email', c.email,
                                'displayName', c.display_name, 'tenant', g.tenant, 'contract', ${contract}::text,
                                'createdAt', c.created_at)
               || CASE WHEN g.role IS NULL THEN '{}' ELSE jsonb_build_object('role', g.role) END
        FROM created c JOIN given g USING (id)
    )
    SELECT count(*) AS written FROM created`)
  return written
}

export interface ImportedName {
  position: number
  tenant: string
  username: string
  /** The address, where it counts as proven. */
  provenEmail: string | null
}

export interface ImportConflict {
  position: number
  kind: 'username' | 'email'
}

/** Which of the names and proven addresses belong to an account already, or once did. */
export const findImportConflicts = (db: Queryable, names: readonly ImportedName[]) =>
  db.many(sql<ImportConflict>`
    SELECT r.position, CASE WHEN n.taken THEN 'username' ELSE 'email' END AS kind
      FROM jsonb_to_recordset(${JSON.stringify(names)}::jsonb)
             AS r(position integer, tenant text, username text, "provenEmail" text)
      JOIN tenants t ON lower(t.name) = lower(r.tenant)
     CROSS JOIN LATERAL (SELECT
             EXISTS (SELECT 1 FROM accounts WHERE tenant_id = t.id AND lower(username) = lower(r.username))
          OR EXISTS (SELECT 1 FROM accounts
                      WHERE tenant_id = t.id AND lower(email) = lower(r.username) AND email_verified_at IS NOT NULL)
          OR EXISTS (SELECT 1 FROM retired_usernames WHERE tenant_id = t.id
                      AND username_hash = sha256(convert_to(lower(r.username), 'UTF8'))) AS taken) n
     WHERE n.taken
        OR EXISTS (SELECT 1 FROM accounts
                    WHERE tenant_id = t.id AND lower(email) = lower(r."provenEmail") AND email_verified_at IS NOT NULL)
     ORDER BY r.position`)
