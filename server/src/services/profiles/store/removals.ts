import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { NewActivity } from '../activity.ts'
import type { NewEvent } from '../events.ts'
import { type Member, type ProfileRow, storableJson } from '../profile.ts'

/** Entries of the log that are emptied in one statement. */
const erasedAtOnce = 1000

/** Says what is to be emitted when the profile is removed, whoever does it; undefined: nothing. */
export const intendRemoval = (db: Queryable, { accountId, realm }: Member, event: NewEvent | undefined) =>
  db.run(sql`
    UPDATE profiles SET removal = ${event ? storableJson(event) : null}::jsonb WHERE account_id = ${accountId} AND realm = ${realm}`)

interface Removed {
  /** True when an event tells of it. */
  emitted: boolean
  /** Of the avatar it had, if no other profile shows it. */
  avatarKey: string | null
}

/**
 * Removes a member's profile, tells what was intended to be emitted, and empties what the log says of the person there.
 * @param since when the membership began that ended; of the profile, when absent
 */
export async function removeProfile(tx: Queryable, { accountId, realm }: Member, since?: string): Promise<Removed> {
  const removed = await tx.one(sql<Removed>`
    WITH gone AS (
      DELETE FROM profiles WHERE account_id = ${accountId} AND realm = ${realm}
      RETURNING account_id, avatar_key, member_since, removal
    ), removed AS (
      INSERT INTO removed_profiles AS r (account_id, realm, member_since)
      SELECT ${accountId}::uuid, ${realm}::text, since
        FROM (SELECT coalesce(${since ?? null}::timestamptz, (SELECT member_since FROM gone)) AS since) s WHERE since IS NOT NULL
      ON CONFLICT (account_id, realm) DO UPDATE SET removed_at = now(), erased = false,
        member_since = greatest(r.member_since, excluded.member_since)
    ), numbered AS (
      INSERT INTO event_sequences AS s (account_id, sequence) SELECT account_id, 1 FROM gone WHERE removal IS NOT NULL
      ON CONFLICT (account_id) DO UPDATE SET sequence = s.sequence + 1
      RETURNING account_id, sequence
    ), emitted AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT (removal->>'id')::uuid, account_id, sequence, removal->>'type', removal->'data' FROM gone JOIN numbered USING (account_id)
      RETURNING id
    )
    SELECT EXISTS (SELECT FROM emitted) AS emitted,
           (SELECT avatar_key FROM gone WHERE NOT EXISTS (
              SELECT FROM profiles p WHERE p.avatar_key = gone.avatar_key AND p.realm <> ${realm})) AS "avatarKey"`)
  // What is left of a log that is longer than that, the pruning job does.
  const emptied = await eraseActivities(tx, { accountId, realm })
  if (emptied < erasedAtOnce) {
    await tx.run(sql`
      UPDATE removed_profiles SET erased = true WHERE account_id = ${accountId} AND realm = ${realm} AND NOT erased`)
  }
  return removed
}

/** Removes what is left of an account that was deleted: profiles of whichever realm, and the log from before realms. */
export async function removeAccount(tx: Queryable, accountId: string): Promise<void> {
  const left = await tx.many(sql<Member>`
    SELECT account_id AS "accountId", realm FROM profiles WHERE account_id = ${accountId} ORDER BY realm FOR UPDATE`)
  for (const member of left) await removeProfile(tx, member)
  await removeProfile(tx, { accountId, realm: '' }, 'infinity')
}

/** Those of one realm; where the realm is empty, those of all. */
const eraseActivities = (tx: Queryable, { accountId, realm }: Member) =>
  tx.run(sql`
    UPDATE activities SET ip = NULL, user_agent = NULL, data = '{}' WHERE (created_at, id) IN (
      SELECT created_at, id FROM activities
       WHERE account_id = ${accountId} AND (realm = ${realm} OR ${realm} = '')
         AND (ip IS NOT NULL OR user_agent IS NOT NULL OR data <> '{}') LIMIT ${erasedAtOnce})`)

/** Empties more of the logs of those that were removed, and says when one is done. Statements of the pruning job. */
export const eraseFurther = () => sql`
  UPDATE activities SET ip = NULL, user_agent = NULL, data = '{}' WHERE (created_at, id) IN (
    SELECT a.created_at, a.id
      FROM removed_profiles r JOIN activities a ON a.account_id = r.account_id AND (a.realm = r.realm OR r.realm = '')
     WHERE NOT r.erased AND (a.ip IS NOT NULL OR a.user_agent IS NOT NULL OR a.data <> '{}') LIMIT 1000)`
export const markErased = () => sql`
  UPDATE removed_profiles r SET erased = true WHERE NOT r.erased AND NOT EXISTS (
    SELECT FROM activities a
     WHERE a.account_id = r.account_id AND (a.realm = r.realm OR r.realm = '') AND (a.ip IS NOT NULL OR a.user_agent IS NOT NULL OR a.data <> '{}'))`

/** Logs an entry of an account that is not about its own profile. */
export const logActivity = (
  db: Queryable,
  { accountId, realm, tenant }: Pick<ProfileRow, 'accountId' | 'realm' | 'tenant'>,
  { type, data, ip, userAgent }: NewActivity,
) =>
  db.run(sql`
    INSERT INTO activities (account_id, realm, tenant, type, data, ip, user_agent)
    VALUES (${accountId}, ${realm}, ${tenant}, ${type}, ${storableJson(data)}::jsonb, ${ip}::inet, left(${userAgent}::text, 512))`)
