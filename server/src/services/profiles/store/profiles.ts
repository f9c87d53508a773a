import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { NewActivity } from '../activity.ts'
import type { NewEvent } from '../events.ts'
import { type Profile, type ProfileRow, storableJson } from '../profile.ts'
import { orderOf } from '../search/fold.ts'
import { marksOf } from '../search/marks.ts'
import { wordsOf } from '../search/words.ts'

export const findByAccount = (db: Queryable, accountId: string) =>
  db.maybe(sql<ProfileRow>`SELECT * FROM profile_details WHERE "accountId" = ${accountId}`)

export const findByNumber = (db: Queryable, number: number) =>
  db.maybe(sql<ProfileRow>`SELECT * FROM profile_details WHERE number = ${number}`)

/** A profile that nobody else changes until the transaction ends. */
export const lockProfile = (tx: Queryable, accountId: string) =>
  tx.maybe(sql<ProfileRow>`SELECT * FROM profile_details WHERE "accountId" = ${accountId} FOR NO KEY UPDATE`)

/** What is told and logged of a write, in its statement. */
export interface Record {
  event?: NewEvent | undefined
  activity?: NewActivity | undefined
}
const recordJson = ({ event, activity }: Record) => ({
  event: event ? storableJson(event) : null,
  activity: activity ? storableJson(activity) : null,
})

/** What rows are found and sorted by. */
export const indexed = (row: Parameters<typeof wordsOf>[0] & Parameters<typeof marksOf>[0]) => ({
  search: [...wordsOf(row), ...marksOf(row)],
  email: orderOf(row.email),
  firstName: orderOf(row.firstName),
  lastName: orderOf(row.lastName),
})

export type NewProfile = Omit<ProfileRow, 'createdAt' | 'updatedAt' | 'sequence' | 'avatarKey'>

/** Makes a profile and says what its row is; undefined when there is one already, or was. */
export function insertProfile(
  db: Queryable,
  row: NewProfile,
  { createdAt, ...record }: Record & { createdAt: string },
) {
  const { event, activity } = recordJson(record)
  const by = indexed(row)
  return db.maybe(sql<Pick<ProfileRow, 'createdAt' | 'preferences' | 'sequence'>>`
    WITH made AS (
      INSERT INTO profiles (account_id, number, tenant, username, email, display_name, first_name, last_name, phone, address,
                            department, job_title, preferences, roles, sequence, search, email_order, first_name_order,
                            last_name_order, indexed, created_at)
      SELECT ${row.accountId}::uuid, ${row.number}::bigint, ${row.tenant}::text, ${row.username}::text, ${row.email}::text,
             ${row.displayName}::text, ${row.firstName}::text, ${row.lastName}::text, ${row.phone}::text, ${row.address}::text,
             ${row.department}::text, ${row.jobTitle}::text, ${storableJson(row.preferences)}::jsonb, ${JSON.stringify(row.roles)}::jsonb,
             CASE WHEN ${event}::jsonb IS NULL THEN 0 ELSE 1 END, array_to_tsvector(${by.search}::text[]), ${by.email}::text,
             ${by.firstName}::text, ${by.lastName}::text, true, ${createdAt}::timestamptz
       WHERE NOT EXISTS (SELECT FROM removed_profiles r WHERE r.account_id = ${row.accountId}::uuid)
      -- Of two at once the number may be met first, which is the account's as well.
      ON CONFLICT DO NOTHING
      RETURNING account_id, tenant, sequence, created_at, preferences
    ), told AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT (e.event->>'id')::uuid, made.account_id, made.sequence, e.event->>'type', e.event->'data'
        FROM made, (VALUES (${event}::jsonb)) e (event) WHERE e.event IS NOT NULL
    ), logged AS (
      INSERT INTO activities (account_id, tenant, type, data, ip, user_agent)
      SELECT made.account_id, made.tenant, a.activity->>'type', a.activity->'data', (a.activity->>'ip')::inet,
             left(a.activity->>'userAgent', 512)
        FROM made, (VALUES (${activity}::jsonb)) a (activity) WHERE a.activity IS NOT NULL
    )
    SELECT created_at AS "createdAt", preferences, sequence FROM made`)
}

export interface Writing extends Record {
  /** To be laid over those that the profile has. */
  preferences?: Profile['preferences'] | undefined
  /** True when it is no change that anybody made: the profile stays as old as it is. */
  unseen?: boolean | undefined
}

/** Writes what a locked profile becomes. `size`: bytes of its preferences. */
export function writeProfile(tx: Queryable, row: ProfileRow, { preferences = {}, unseen = false, ...record }: Writing) {
  const { event, activity } = recordJson(record)
  const by = indexed(row)
  return tx.one(sql<Pick<ProfileRow, 'preferences' | 'updatedAt' | 'sequence'> & { size: number }>`
    WITH changed AS (
      UPDATE profiles SET
        tenant = ${row.tenant}, username = ${row.username}, email = ${row.email}, display_name = ${row.displayName},
        first_name = ${row.firstName}, last_name = ${row.lastName}, phone = ${row.phone}, address = ${row.address},
        department = ${row.department}, job_title = ${row.jobTitle}, avatar_key = ${row.avatarKey},
        preferences = merged_preferences(preferences, ${storableJson(preferences)}::jsonb), roles = ${JSON.stringify(row.roles)}::jsonb,
        sequence = sequence + CASE WHEN ${event}::jsonb IS NULL THEN 0 ELSE 1 END,
        search = array_to_tsvector(${by.search}::text[]), email_order = ${by.email}, first_name_order = ${by.firstName},
        last_name_order = ${by.lastName}, indexed = true,
        updated_at = CASE WHEN ${unseen}::boolean THEN updated_at ELSE now() END
       WHERE account_id = ${row.accountId}
      RETURNING account_id, tenant, sequence, preferences, updated_at
    ), told AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT (e.event->>'id')::uuid, changed.account_id, changed.sequence, e.event->>'type', e.event->'data'
        FROM changed, (VALUES (${event}::jsonb)) e (event) WHERE e.event IS NOT NULL
    ), logged AS (
      INSERT INTO activities (account_id, tenant, type, data, ip, user_agent)
      SELECT changed.account_id, changed.tenant, a.activity->>'type', a.activity->'data', (a.activity->>'ip')::inet,
             left(a.activity->>'userAgent', 512)
        FROM changed, (VALUES (${activity}::jsonb)) a (activity) WHERE a.activity IS NOT NULL
    )
    SELECT preferences, updated_at AS "updatedAt", sequence, octet_length(preferences::text) AS size FROM changed`)
}

/** Bytes that the preferences of an account, if it has a profile, would have with these laid over them. */
export const sizeOfPreferences = async (
  db: Queryable,
  accountId: string | null,
  preferences: Profile['preferences'],
) => {
  const { size } = await db.one(sql<{ size: number }>`
    SELECT octet_length(merged_preferences(
             coalesce((SELECT preferences FROM profiles WHERE account_id = ${accountId}::uuid), '{}'),
             ${storableJson(preferences)}::jsonb)::text) AS size`)
  return size
}
