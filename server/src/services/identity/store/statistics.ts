import { type Queryable, sql } from '../../../platform/db/database.ts'

export interface Statistics {
  accounts: number
  activeAccounts: number
  verifiedAccounts: number
  secondFactorAccounts: number
  /** Accounts that are refused at the moment in this contract, from some device or other. */
  lockedAccounts: number
  /** Live sessions of this contract. */
  activeSessions: number
  tenants: number
}

/** Counts of one tenant, or of all. */
export const countAccounts = (db: Queryable, by: { contract: string; tenant: string | undefined }) =>
  db.one(sql<Statistics>`
    SELECT count(*) AS accounts, count(*) FILTER (WHERE a.active) AS "activeAccounts",
           count(a.email_verified_at) AS "verifiedAccounts", count(*) FILTER (WHERE a.second_factor) AS "secondFactorAccounts",
           (SELECT count(DISTINCT account_id) FROM sign_in_counters WHERE contract = ${by.contract} AND locked_until > now()) AS "lockedAccounts",
           (SELECT count(*) FROM sessions WHERE contract = ${by.contract} AND ended_at IS NULL AND expires_at > now()) AS "activeSessions",
           (SELECT count(*) FROM tenants) AS tenants
      FROM accounts a
     WHERE ${by.tenant ?? null}::text IS NULL
        OR a.tenant_id = (SELECT id FROM tenants WHERE lower(name) = lower(${by.tenant ?? null}))`)

/** Accounts by tenant, the largest tenants first. */
export const countByTenant = (db: Queryable, limit: number) =>
  db.many(sql<{ tenant: number; accounts: number }>`
    SELECT t.number AS tenant, count(a.id) AS accounts FROM tenants t LEFT JOIN accounts a ON a.tenant_id = t.id
     GROUP BY t.number ORDER BY count(a.id) DESC, t.number LIMIT ${limit}`)
