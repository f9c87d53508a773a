import { type Queryable, SqlPart, sql } from '../../../platform/db/database.ts'
import type { NewActivity } from '../activity.ts'
import type { NewEvent } from '../events.ts'
import { columnOf, fieldNames, type Profile, type ProfileRow, storableJson } from '../profile.ts'
import { facetsOf } from '../search/facets.ts'
import { orderOf } from '../search/fold.ts'
import { wordsOf } from '../search/indexed-words.ts'

export const findByAccount = (db: Queryable, accountId: string) =>
  db.maybe(sql<ProfileRow>`SELECT * FROM profile_details WHERE "accountId" = ${accountId}`)

/** A profile that nobody else changes until the transaction ends. */
export const lockProfile = (tx: Queryable, accountId: string) =>
  tx.maybe(sql<ProfileRow>`SELECT * FROM profile_details WHERE "accountId" = ${accountId} FOR NO KEY UPDATE`)

/** What is emitted and logged of a write, in its statement. */
export interface Recorded {
  event?: NewEvent | undefined
  activity?: NewActivity | undefined
}
const factsJson = ({ event, activity }: Recorded) => storableJson({ event, activity })
/** Emits and logs the `facts` of what was `written`. */
const recorded = new SqlPart(`emitted AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT (event->>'id')::uuid, account_id, sequence, event->>'type', event->'data' FROM written, facts WHERE event IS NOT NULL
    ), logged AS (
      INSERT INTO activities (account_id, tenant, type, data, ip, user_agent)
      SELECT account_id, tenant, activity->>'type', activity->'data', (activity->>'ip')::inet, left(activity->>'userAgent', 512)
        FROM written, facts WHERE activity IS NOT NULL
    )`)

/** What rows are found and sorted by, the orders by their columns. */
export const indexed = (row: Parameters<typeof wordsOf>[0] & Parameters<typeof facetsOf>[0]) => ({
  search: [...wordsOf(row), ...facetsOf(row)],
  orders: {
    email_order: orderOf(row.email),
    first_name_order: orderOf(row.firstName),
    last_name_order: orderOf(row.lastName),
  },
})

/** Fields that are written as they are; the others are merged, counted or dated by the statements. */
const plain = fieldNames.filter((name) => !['preferences', 'sequence', 'createdAt', 'updatedAt'].includes(name))
const plainColumns = new SqlPart(
  [...plain.map(columnOf), 'email_order', 'first_name_order', 'last_name_order', 'indexed'].join(', '),
)
/** What a row has of them. */
function plainJson(row: Partial<ProfileRow>, orders: object): string {
  const fields = plain.map((name) => [columnOf(name), row[name]])
  return storableJson({ ...Object.fromEntries(fields), ...orders, indexed: true })
}

export type NewProfile = Omit<ProfileRow, 'createdAt' | 'updatedAt' | 'sequence' | 'avatarKey'>

/** Makes a profile and says what its row is; undefined when there is one already, or was. */
export function insertProfile(
  db: Queryable,
  row: NewProfile,
  { createdAt, ...record }: Recorded & { createdAt: string },
) {
  const { search, orders } = indexed(row)
  return db.maybe(sql<Pick<ProfileRow, 'createdAt' | 'preferences' | 'sequence'>>`
    WITH facts AS (
      SELECT entry->'event' AS event, entry->'activity' AS activity FROM (VALUES (${factsJson(record)}::jsonb)) f (entry)
    ), written AS (
      INSERT INTO profiles (${plainColumns}, preferences, sequence, search, created_at)
      SELECT ${plainColumns}, ${storableJson(row.preferences)}::jsonb, CASE WHEN event IS NULL THEN 0 ELSE 1 END,
             array_to_tsvector(${search}::text[]), ${createdAt}::timestamptz
        FROM facts, jsonb_populate_record(NULL::profiles, ${plainJson(row, orders)}::jsonb)
       WHERE NOT EXISTS (SELECT FROM removed_profiles r WHERE r.account_id = ${row.accountId}::uuid)
      -- Of two at once the number may be met first, which is the account's as well.
      ON CONFLICT DO NOTHING
      RETURNING account_id, tenant, sequence, created_at, preferences
    ), ${recorded}
    SELECT created_at AS "createdAt", preferences, sequence FROM written`)
}

export interface Writing extends Recorded {
  /** To be laid over those that the profile has. */
  preferences?: Profile['preferences'] | undefined
  /** True when it is no change that anybody made: the profile stays as old as it is. */
  unseen?: boolean | undefined
}

/** Writes what a locked profile becomes. `size`: bytes of its preferences. */
export function writeProfile(tx: Queryable, row: ProfileRow, { preferences = {}, unseen = false, ...record }: Writing) {
  const { search, orders } = indexed(row)
  return tx.one(sql<Pick<ProfileRow, 'preferences' | 'updatedAt' | 'sequence'> & { size: number }>`
    WITH facts AS (
      SELECT entry->'event' AS event, entry->'activity' AS activity FROM (VALUES (${factsJson(record)}::jsonb)) f (entry)
    ), written AS (
      UPDATE profiles SET
        (${plainColumns}) = (SELECT ${plainColumns} FROM jsonb_populate_record(NULL::profiles, ${plainJson(row, orders)}::jsonb)),
        preferences = merged_preferences(preferences, ${storableJson(preferences)}::jsonb),
        sequence = sequence + CASE WHEN event IS NULL THEN 0 ELSE 1 END, search = array_to_tsvector(${search}::text[]),
        updated_at = CASE WHEN ${unseen}::boolean THEN updated_at ELSE now() END
       FROM facts WHERE account_id = ${row.accountId}
      RETURNING account_id, tenant, sequence, preferences, updated_at
    ), ${recorded}
    SELECT preferences, updated_at AS "updatedAt", sequence, octet_length(preferences::text) AS size FROM written`)
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
