import { type Queryable, sql } from '../../../platform/db/database.ts'

/** Where a request came from. */
export interface Origin {
  ip: string | null
  userAgent: string | undefined
}

interface NewActivity extends Origin {
  accountId: string
  contract: string
  action: string
  details?: Readonly<Record<string, unknown>>
}

/** Adds to an account's activity log. Details never hold secrets. */
export const recordActivity = (db: Queryable, by: NewActivity) =>
  db.run(sql`
    INSERT INTO activities (account_id, tenant_id, contract, action, details, ip, user_agent)
    SELECT id, tenant_id, ${by.contract}, ${by.action}, ${JSON.stringify(by.details ?? {})}::jsonb, ${by.ip}::inet,
           left(${by.userAgent ?? null}::text, 512)
      FROM accounts WHERE id = ${by.accountId}`)

export interface Activity {
  id: number
  accountId: string
  action: string
  details: Readonly<Record<string, unknown>>
  ip: string | null
  createdAt: Date
}

/** A page of an account's log, newest first: of one realm, or of all. */
export const listActivities = (
  db: Queryable,
  by: { accountId: string; realm: string | undefined; action: string | undefined; limit: number; offset: number },
) =>
  db.many(sql<Activity>`
    SELECT id, account_id AS "accountId", action, details, host(ip) AS ip, created_at AS "createdAt"
      FROM activities
     WHERE account_id = ${by.accountId} AND (${by.realm ?? null}::text IS NULL OR contract = ${by.realm ?? null})
       AND (${by.action ?? null}::text IS NULL OR action = ${by.action ?? null})
     ORDER BY created_at DESC, id DESC LIMIT ${by.limit} OFFSET ${by.offset}`)

export interface RecentActivity {
  action: string
  accountNumber: number | null
  createdAt: Date
}

/** The newest activities of a realm. */
export const recentActivities = (db: Queryable, realm: string, limit: number) =>
  db.many(sql<RecentActivity>`
    SELECT v.action, a.number AS "accountNumber", v.created_at AS "createdAt"
      FROM (SELECT * FROM activities WHERE contract = ${realm} ORDER BY created_at DESC, id DESC LIMIT ${limit}) v
      LEFT JOIN accounts a ON a.id = v.account_id
     ORDER BY v.created_at DESC, v.id DESC`)
