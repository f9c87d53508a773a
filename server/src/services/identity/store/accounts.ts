import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { AccountView, Roles } from '../../realm/index.ts'

/** A row of the view `account_details`, with the role in one contract; null without a grant. */
export interface AccountRow extends Omit<AccountView, 'tenant' | 'role'> {
  tenantId: string
  tenantNumber: number
  tenantName: string
  version: number
  role: string | null
}

/** An account as the contracts see it: whatever else a row has, such as a hash, stays behind. */
export const viewOf = (row: AccountRow, { person }: Roles): AccountView => ({
  id: row.id,
  number: row.number,
  tenant: { id: row.tenantId, number: row.tenantNumber, name: row.tenantName },
  username: row.username,
  email: row.email,
  displayName: row.displayName,
  emailVerified: row.emailVerified,
  secondFactor: row.secondFactor,
  active: row.active,
  role: row.role ?? person,
  locale: row.locale,
  preferences: row.preferences,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  lastLoginAt: row.lastLoginAt,
})

export const findAccount = (db: Queryable, id: string, contract: string) =>
  db.maybe(sql<AccountRow>`
    SELECT d.*, g.role FROM account_details d LEFT JOIN grants g ON g.account_id = d.id AND g.contract = ${contract}
     WHERE d.id = ${id}`)

export const findAccountByNumber = (db: Queryable, number: number, contract: string) =>
  db.maybe(sql<AccountRow>`
    SELECT d.*, g.role FROM account_details d LEFT JOIN grants g ON g.account_id = d.id AND g.contract = ${contract}
     WHERE d.number = ${number}`)

/** The account that a tenant knows by this username, or by this proven address when it is an address. */
export const findAccountByName = (db: Queryable, tenant: string, name: string, contract: string) =>
  db.maybe(sql<AccountRow>`
    SELECT d.*, g.role
      FROM tenants t
      JOIN LATERAL (
        SELECT * FROM account_details WHERE "tenantId" = t.id AND lower(email) = lower(${name}) AND "emailVerified"
        UNION ALL
        SELECT * FROM account_details WHERE "tenantId" = t.id AND lower(username) = lower(${name})
        LIMIT 1) d ON true
      LEFT JOIN grants g ON g.account_id = d.id AND g.contract = ${contract}
     WHERE lower(t.name) = lower(${tenant})`)

export interface AccountFilter {
  contract: string
  /** Undefined: every tenant. */
  tenantId: string | undefined
  tenantNumber: number | undefined
  role: string | undefined
  /** What an account without a grant is. */
  person: string
  limit: number
  offset: number
}

/** A page of accounts in the order they were made, with how many there are in all. */
export async function listAccounts(db: Queryable, by: AccountFilter): Promise<{ total: number; rows: AccountRow[] }> {
  const { total } = await db.one(sql<{ total: number }>`
    SELECT count(*) AS total
      FROM accounts a JOIN tenants t ON t.id = a.tenant_id
      LEFT JOIN grants g ON g.account_id = a.id AND g.contract = ${by.contract}
     WHERE (${by.tenantId ?? null}::uuid IS NULL OR a.tenant_id = ${by.tenantId ?? null})
       AND (${by.tenantNumber ?? null}::bigint IS NULL OR t.number = ${by.tenantNumber ?? null})
       AND (${by.role ?? null}::text IS NULL OR coalesce(g.role, ${by.person}) = ${by.role ?? null})`)
  const rows = await db.many(sql<AccountRow>`
    SELECT d.*, g.role FROM account_details d LEFT JOIN grants g ON g.account_id = d.id AND g.contract = ${by.contract}
     WHERE (${by.tenantId ?? null}::uuid IS NULL OR d."tenantId" = ${by.tenantId ?? null})
       AND (${by.tenantNumber ?? null}::bigint IS NULL OR d."tenantNumber" = ${by.tenantNumber ?? null})
       AND (${by.role ?? null}::text IS NULL OR coalesce(g.role, ${by.person}) = ${by.role ?? null})
     ORDER BY d.number LIMIT ${by.limit} OFFSET ${by.offset}`)
  return { total, rows }
}

/** Locks the account against changes of its role, its state or its deletion until the transaction ends. */
export const lockAccount = (tx: Queryable, id: string) =>
  tx.maybe(sql<{ id: string }>`SELECT id FROM accounts WHERE id = ${id} FOR UPDATE`)

/**
 * The contracts whose last active administrator this account is. Locks every administrator's grant of those contracts first,
 * in one order, so that two administrators cannot remove each other at once.
 */
export const contractsAdministeredAlone = async (tx: Queryable, accountId: string): Promise<{ contract: string }[]> => {
  await tx.run(sql`
    SELECT account_id FROM grants
     WHERE administrator AND contract IN (SELECT contract FROM grants WHERE account_id = ${accountId} AND administrator)
     ORDER BY contract, account_id FOR UPDATE`)
  // A statement of its own: one that waited for those locks would still see the accounts as they were before.
  return tx.many(sql<{ contract: string }>`
    SELECT g.contract
      FROM grants mine
      JOIN grants g ON g.contract = mine.contract AND g.administrator
      JOIN accounts a ON a.id = g.account_id
     WHERE mine.account_id = ${accountId} AND mine.administrator AND (a.active OR a.id = ${accountId})
     GROUP BY g.contract HAVING count(*) = 1`)
}

export const hasAdministrator = async (db: Queryable, contract: string): Promise<boolean> => {
  const { found } = await db.one(sql<{ found: boolean }>`
    SELECT EXISTS (SELECT 1 FROM grants WHERE contract = ${contract} AND administrator) AS found`)
  return found
}

/**
 * True when the account is somebody where `administratorId` administers nothing: has a role in another contract than this one, or,
 * with `arrivals`, came by another.
 */
export const reachesBeyond = async (
  tx: Queryable,
  by: { accountId: string; administratorId: string; contract: string; arrivals: boolean },
): Promise<boolean> => {
  const { beyond } = await tx.one(sql<{ beyond: boolean }>`
    SELECT EXISTS (
      SELECT contract FROM grants WHERE account_id = ${by.accountId}
      UNION
      SELECT contract FROM activities
       WHERE ${by.arrivals} AND account_id = ${by.accountId} AND action IN ('register', 'import')
      EXCEPT
      SELECT ${by.contract}::text
      EXCEPT
      SELECT contract FROM grants WHERE account_id = ${by.administratorId} AND administrator
    ) AS beyond`)
  return beyond
}

/** Removes the account with all it holds, keeps its name from being reissued, refuses its tokens and tells the others. */
export const removeAccount = (
  tx: Queryable,
  by: { accountId: string; until: Date; eventId: string; retire: boolean },
) =>
  tx.run(sql`
    WITH removed AS (
      DELETE FROM accounts WHERE id = ${by.accountId} RETURNING id, tenant_id, username, version, sequence
    ), retired AS (
      INSERT INTO retired_usernames (tenant_id, username_hash)
      SELECT tenant_id, sha256(convert_to(lower(username), 'UTF8')) FROM removed WHERE ${by.retire}::boolean
      ON CONFLICT DO NOTHING
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

/** Lets an account sign in or not. Deactivating ends its sessions and refuses its tokens. */
export const setActive = (tx: Queryable, by: { accountId: string; active: boolean; until: Date; eventId: string }) =>
  tx.run(sql`
    WITH changed AS (
      UPDATE accounts SET active = ${by.active}, version = version + 1, sequence = sequence + 1, updated_at = now()
       WHERE id = ${by.accountId} AND active <> ${by.active}
      RETURNING id, version, sequence, active
    ), ended AS (
      UPDATE sessions s SET ended_at = now(), end_reason = 'deactivated' FROM changed
       WHERE s.account_id = changed.id AND s.ended_at IS NULL AND NOT changed.active
    ), revoked AS (
      INSERT INTO revocations (account_id, minimum_version, until) SELECT id, version, ${by.until}::timestamptz FROM changed
    )
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    SELECT ${by.eventId}::uuid, id, sequence, CASE WHEN active THEN 'account.activated' ELSE 'account.deactivated' END, '{}'::jsonb
      FROM changed`)

export const setSecondFactor = (db: Queryable, accountId: string, on: boolean) =>
  db.run(
    sql`UPDATE accounts SET second_factor = ${on}, updated_at = now() WHERE id = ${accountId} AND second_factor <> ${on}`,
  )

/** Changes what a person says of themselves, and tells of a new name; undefined fields stay. */
export const changePerson = (
  db: Queryable,
  by: {
    accountId: string
    displayName: string | undefined
    preferences: Readonly<Record<string, unknown>> | undefined
    eventId: string
  },
) =>
  db.run(sql`
    WITH before AS (
      SELECT id, display_name, coalesce(${by.displayName ?? null}::text, display_name) AS new_name
        FROM accounts WHERE id = ${by.accountId} FOR UPDATE
    ), changed AS (
      UPDATE accounts a SET display_name = b.new_name, updated_at = now(),
             preferences = coalesce(${by.preferences === undefined ? null : JSON.stringify(by.preferences)}::jsonb, a.preferences),
             sequence = a.sequence + (b.new_name IS DISTINCT FROM b.display_name)::integer
        FROM before b WHERE a.id = b.id
      RETURNING a.id, a.sequence, b.new_name, b.new_name IS DISTINCT FROM b.display_name AS renamed
    ), emitted AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT ${by.eventId}::uuid, id, sequence, 'account.renamed', jsonb_build_object('displayName', new_name)
        FROM changed WHERE renamed
    )
    SELECT id FROM changed`)

export interface AccountSummary {
  id: string
  number: number
  /** Name of the tenant. */
  tenant: string
  username: string
  email: string | null
  displayName: string | null
  /** ISO 8601, UTC. */
  createdAt: string
  /** The roles it was given, by contract. */
  roles: readonly { contract: string; role: string }[]
}

/** What the other services need to know of an account. */
export const findSummary = (db: Queryable, accountId: string) =>
  db.maybe(sql<AccountSummary>`
    SELECT d.id, d.number, d."tenantName" AS tenant, d.username, d.email, d."displayName",
           to_char(d."createdAt" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "createdAt",
           coalesce((SELECT jsonb_agg(jsonb_build_object('contract', g.contract, 'role', g.role))
                       FROM grants g WHERE g.account_id = d.id), '[]') AS roles
      FROM account_details d WHERE d.id = ${accountId}`)
