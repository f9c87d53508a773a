import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { NewActivity } from '../activity.ts'
import type { NewEvent } from '../events.ts'
import { storableJson } from '../profile.ts'

/** Entries of the log that are emptied in one statement. */
const erasedAtOnce = 1000

/** Says what is to be emitted when the profile is removed, whoever does it; undefined: nothing. */
export const intendRemoval = (db: Queryable, accountId: string, event: NewEvent | undefined) =>
  db.run(sql`
    UPDATE profiles SET removal = ${event ? storableJson(event) : null}::jsonb WHERE account_id = ${accountId}`)

interface Removed {
  /** True when an event tells of it. */
  emitted: boolean
  /** Of the avatar it had. */
  avatarKey: string | null
}

/** Removes a profile, tells what was intended to be emitted, and empties what the log says of the person. */
export async function removeProfile(tx: Queryable, accountId: string): Promise<Removed> {
  const removed = await tx.one(sql<Removed>`
    WITH gone AS (
      DELETE FROM profiles WHERE account_id = ${accountId} RETURNING account_id, avatar_key, sequence, removal
    ), removed AS (
      INSERT INTO removed_profiles (account_id) VALUES (${accountId}::uuid) ON CONFLICT DO NOTHING
    ), emitted AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT (removal->>'id')::uuid, account_id, sequence + 1, removal->>'type', removal->'data' FROM gone WHERE removal IS NOT NULL
      RETURNING id
    )
    SELECT EXISTS (SELECT FROM emitted) AS emitted, (SELECT avatar_key FROM gone) AS "avatarKey"`)
  // What is left of a log that is longer than that, the pruning job does.
  const emptied = await eraseActivities(tx, accountId)
  if (emptied < erasedAtOnce) {
    await tx.run(sql`UPDATE removed_profiles SET erased = true WHERE account_id = ${accountId} AND NOT erased`)
  }
  return removed
}

const eraseActivities = (tx: Queryable, accountId: string) =>
  tx.run(sql`
    UPDATE activities SET ip = NULL, user_agent = NULL, data = '{}' WHERE (created_at, id) IN (
      SELECT created_at, id FROM activities
       WHERE account_id = ${accountId} AND (ip IS NOT NULL OR user_agent IS NOT NULL OR data <> '{}') LIMIT ${erasedAtOnce})`)

/** Empties more of the logs of those that were removed, and says when one is done. Statements of the pruning job. */
export const eraseFurther = () => sql`
  UPDATE activities SET ip = NULL, user_agent = NULL, data = '{}' WHERE (created_at, id) IN (
    SELECT a.created_at, a.id FROM removed_profiles r JOIN activities a ON a.account_id = r.account_id
     WHERE NOT r.erased AND (a.ip IS NOT NULL OR a.user_agent IS NOT NULL OR a.data <> '{}') LIMIT 1000)`
export const markErased = () => sql`
  UPDATE removed_profiles r SET erased = true WHERE NOT r.erased AND NOT EXISTS (
    SELECT FROM activities a
     WHERE a.account_id = r.account_id AND (a.ip IS NOT NULL OR a.user_agent IS NOT NULL OR a.data <> '{}'))`

/** Logs an entry of an account that is not about its own profile. */
export const logActivity = (
  db: Queryable,
  { accountId, tenant }: { accountId: string; tenant: string },
  { type, data, ip, userAgent }: NewActivity,
) =>
  db.run(sql`
    INSERT INTO activities (account_id, tenant, type, data, ip, user_agent)
    VALUES (${accountId}, ${tenant}, ${type}, ${storableJson(data)}::jsonb, ${ip}::inet, left(${userAgent}::text, 512))`)
