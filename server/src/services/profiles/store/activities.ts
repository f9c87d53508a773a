import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { ProfileActivity } from '../activity.ts'
import type { Member } from '../profile.ts'
import type { Scope } from '../tenant.ts'

export interface ActivityFilter extends Member {
  type?: string | undefined
  /** First moment. */
  from?: Date | undefined
  /** Last moment. */
  to?: Date | undefined
  limit: number
  offset: number
}

/** A page of a member's log, newest first, with how many entries there are in all; those from before realms are of each. */
export async function listActivities(
  db: Queryable,
  { accountId, realm, type = null, from = null, to = null, limit, offset }: Nullable<ActivityFilter>,
): Promise<{ total: number; activities: ProfileActivity[] }> {
  const { total } = await db.one(sql<{ total: number }>`
    SELECT count(*) AS total FROM activities
     WHERE account_id = ${accountId} AND (realm = ${realm} OR realm IS NULL) AND (${type}::text IS NULL OR type = ${type})
       AND created_at >= coalesce(${from}::timestamptz, '-infinity') AND created_at <= coalesce(${to}::timestamptz, 'infinity')`)
  if (offset >= total) return { total, activities: [] }
  const activities = await db.many(sql<ProfileActivity>`
    SELECT id, account_id AS "accountId", type, data, host(ip) AS ip, user_agent AS "userAgent", created_at AS "createdAt"
      FROM activities
     WHERE account_id = ${accountId} AND (realm = ${realm} OR realm IS NULL) AND (${type}::text IS NULL OR type = ${type})
       AND created_at >= coalesce(${from}::timestamptz, '-infinity') AND created_at <= coalesce(${to}::timestamptz, 'infinity')
     ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${offset}`)
  return { total, activities }
}

type Nullable<T> = { [K in keyof T]: T[K] | (undefined extends T[K] ? null : never) }

/** What was done by the members of a realm's tenant in the last 30 days, the most frequent first: whole days by their totals, the rest of the first by its rows. */
export const countRecentActivities = (db: Queryable, { realm, tenant }: Scope) =>
  db.many(sql<{ type: string; count: number }>`
    WITH since AS (
      SELECT now() - interval '30 days' AS moment, date_trunc('day', now() - interval '29 days', 'UTC') AS midnight
    ), parts AS (
      SELECT type, activities FROM activity_totals, since
       WHERE realm = ${realm} AND tenant = ${tenant} AND day >= (midnight AT TIME ZONE 'UTC')::date
      UNION ALL
      SELECT type, count(*) FROM activities, since WHERE realm = ${realm} AND tenant = ${tenant} AND created_at > moment AND created_at < midnight GROUP BY type
    )
    SELECT type, sum(activities)::bigint AS count FROM parts GROUP BY type ORDER BY sum(activities) DESC, type`)
