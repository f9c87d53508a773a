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

/** Counts of a realm's members, of one tenant or of all. */
export const countAccounts = (db: Queryable, by: { realm: string; tenant: string | undefined }) =>
  db.one(sql<Statistics>`
    SELECT count(*) AS accounts, count(*) FILTER (WHERE m.state = 'active') AS "activeAccounts",
           count(a.email_verified_at) AS "verifiedAccounts", count(*) FILTER (WHERE a.second_factor) AS "secondFactorAccounts",
           (SELECT count(DISTINCT account_id) FROM sign_in_counters WHERE contract = ${by.realm} AND locked_until > now()) AS "lockedAccounts",
           (SELECT count(*) FROM sessions WHERE contract = ${by.realm} AND ended_at IS NULL AND expires_at > now()) AS "activeSessions",
           count(DISTINCT a.tenant_id) AS tenants
      FROM memberships m JOIN accounts a ON a.id = m.account_id
     WHERE m.realm = ${by.realm} AND m.state <> 'removed' AND (${by.tenant ?? null}::text IS NULL
        OR a.tenant_id = (SELECT id FROM tenants WHERE lower(name) = lower(${by.tenant ?? null})))`)

/** A realm's members by tenant, the largest tenants first. */
export const countByTenant = (db: Queryable, realm: string, limit: number) =>
  db.many(sql<{ tenant: number; accounts: number }>`
    SELECT t.number AS tenant, count(*) AS accounts
      FROM memberships m JOIN accounts a ON a.id = m.account_id JOIN tenants t ON t.id = a.tenant_id
     WHERE m.realm = ${realm} AND m.state <> 'removed'
     GROUP BY t.number ORDER BY count(*) DESC, t.number LIMIT ${limit}`)
