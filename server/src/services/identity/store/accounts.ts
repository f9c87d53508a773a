import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { AccountView, Roles } from '../../realm/index.ts'
import type { MembershipOrigin } from './memberships.ts'

/** A row of the view `member_details`: an account as a member of one realm. The role is null for a person's. */
export interface AccountRow extends Omit<AccountView, 'tenant' | 'role'> {
  tenantId: string
  tenantNumber: number
  tenantName: string
  /** What the claim `ver` says: rises with what opens the account, and with role and state in the realm. */
  version: number
  /** Rises with every change that a sign-in under way must not outlive. */
  revision: number
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

export const findAccount = (db: Queryable, id: string, realm: string) =>
  db.maybe(sql<AccountRow>`SELECT * FROM member_details WHERE id = ${id} AND realm = ${realm}`)

export const findAccountByNumber = (db: Queryable, number: number, realm: string) =>
  db.maybe(sql<AccountRow>`SELECT * FROM member_details WHERE number = ${number} AND realm = ${realm}`)

/** The member that a tenant knows by this username, or by this proven address when it is an address. */
export const findAccountByName = (db: Queryable, tenant: string, name: string, realm: string) =>
  db.maybe(sql<AccountRow>`
    SELECT m.*
      FROM tenants t
      JOIN LATERAL (
        SELECT id FROM accounts WHERE tenant_id = t.id AND lower(email) = lower(${name}) AND email_verified_at IS NOT NULL
        UNION ALL
        SELECT id FROM accounts WHERE tenant_id = t.id AND lower(username) = lower(${name})
        LIMIT 1) a ON true
      JOIN member_details m ON m.id = a.id AND m.realm = ${realm}
     WHERE lower(t.name) = lower(${tenant})`)

export interface AccountFilter {
  realm: string
  /** Undefined: every tenant. */
  tenantId: string | undefined
  tenantNumber: number | undefined
  role: string | undefined
  /** What a member without a role of their own is. */
  person: string
  limit: number
  offset: number
}

/** A page of a realm's members in the order their accounts were made, with how many there are in all. */
export async function listAccounts(db: Queryable, by: AccountFilter): Promise<{ total: number; rows: AccountRow[] }> {
  const { total } = await db.one(sql<{ total: number }>`
    SELECT count(*) AS total
      FROM memberships m JOIN accounts a ON a.id = m.account_id JOIN tenants t ON t.id = a.tenant_id
     WHERE m.realm = ${by.realm} AND m.state <> 'removed'
       AND (${by.tenantId ?? null}::uuid IS NULL OR a.tenant_id = ${by.tenantId ?? null})
       AND (${by.tenantNumber ?? null}::bigint IS NULL OR t.number = ${by.tenantNumber ?? null})
       AND (${by.role ?? null}::text IS NULL OR coalesce(m.role, ${by.person}) = ${by.role ?? null})`)
  const rows = await db.many(sql<AccountRow>`
    SELECT * FROM member_details
     WHERE realm = ${by.realm}
       AND (${by.tenantId ?? null}::uuid IS NULL OR "tenantId" = ${by.tenantId ?? null})
       AND (${by.tenantNumber ?? null}::bigint IS NULL OR "tenantNumber" = ${by.tenantNumber ?? null})
       AND (${by.role ?? null}::text IS NULL OR coalesce(role, ${by.person}) = ${by.role ?? null})
     ORDER BY number LIMIT ${by.limit} OFFSET ${by.offset}`)
  return { total, rows }
}

/** Locks the account against changes of its role, its state or its deletion until the transaction ends. */
export const lockAccount = (tx: Queryable, id: string) =>
  tx.maybe(sql<{ id: string }>`SELECT id FROM accounts WHERE id = ${id} FOR UPDATE`)

/** Removes the account with all it holds, keeps its name from being reissued, refuses its tokens and tells the others. */
export const removeAccount = (tx: Queryable, by: { accountId: string; until: Date; eventId: string }) =>
  tx.run(sql`
    WITH removed AS (
      DELETE FROM accounts WHERE id = ${by.accountId} RETURNING id, tenant_id, username, email, sequence
    ), retired AS (
      -- A name that somebody chose is nobody else's; an address is free again.
      INSERT INTO retired_usernames (tenant_id, username_hash)
      SELECT tenant_id, sha256(convert_to(lower(username), 'UTF8')) FROM removed
       WHERE lower(username) IS DISTINCT FROM lower(email) AND username <> id::text
      ON CONFLICT DO NOTHING
    ), revoked AS (
      -- Above every version: of a token of whichever realm.
      INSERT INTO revocations (account_id, minimum_version, until) SELECT id, 2147483647, ${by.until}::timestamptz FROM removed
    )
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    SELECT ${by.eventId}::uuid, id, sequence + 1, 'account.deleted', '{}'::jsonb FROM removed`)

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
  /** The realms it is a member of, with the role that it was given there (null for a person's), and since when (ISO 8601). */
  memberships: readonly { realm: string; role: string | null; origin: MembershipOrigin; since: string }[]
}

/** What the other services need to know of an account. */
export const findSummary = (db: Queryable, accountId: string) =>
  db.maybe(sql<AccountSummary>`
    SELECT d.id, d.number, d."tenantName" AS tenant, d.username, d.email, d."displayName",
           to_char(d."createdAt" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "createdAt",
           coalesce((SELECT jsonb_agg(jsonb_build_object('realm', m.realm, 'role', m.role, 'origin', m.origin, 'since', m.since))
                       FROM memberships m WHERE m.account_id = d.id AND m.state <> 'removed'), '[]') AS memberships
      FROM account_details d WHERE d.id = ${accountId}`)
