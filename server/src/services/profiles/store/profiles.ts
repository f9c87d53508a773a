import { type Queryable, SqlPart, sql } from '../../../platform/db/database.ts'
import type { NewActivity } from '../activity.ts'
import type { NewEvent } from '../events.ts'
import { columnOf, fieldNames, type Member, type Profile, type ProfileRow, storableJson } from '../profile.ts'
import { facetsOf } from '../search/facets.ts'
import { orderOf } from '../search/fold.ts'
import { wordsOf } from '../search/indexed-words.ts'

/** What a row is read as. */
export const detailed = new SqlPart(fieldNames.map((name) => `"${name}"`).join(', '))

export const findProfile = (db: Queryable, { accountId, realm }: Member) =>
  db.maybe(sql<ProfileRow>`
    SELECT ${detailed} FROM profile_details WHERE "accountId" = ${accountId} AND realm = ${realm}`)

/** A profile that nobody else changes until the transaction ends. */
export const lockProfile = (tx: Queryable, { accountId, realm }: Member) =>
  tx.maybe(sql<ProfileRow>`
    SELECT ${detailed} FROM profile_details WHERE "accountId" = ${accountId} AND realm = ${realm} FOR NO KEY UPDATE`)

/**
 * What another realm knows of the person: the profile that was changed last.
 * @param joins false to find the one from before realms alone, which was theirs everywhere
 */
export const findElsewhere = (tx: Queryable, { accountId, realm }: Member, joins: boolean) =>
  tx.maybe(sql<ProfileRow>`
    SELECT ${detailed} FROM profile_details
     WHERE "accountId" = ${accountId} AND realm <> ${realm} AND (${joins}::boolean OR realm = '')
     ORDER BY coalesce("updatedAt", "createdAt") DESC, realm LIMIT 1`)

/** What is emitted and logged of a write, in its statement. */
export interface Recorded {
  event?: NewEvent | undefined
  activity?: NewActivity | undefined
}

/** Logs the activity of the `facts` about what was `written`. */
const logged = new SqlPart(`logged AS (
      INSERT INTO activities (account_id, realm, tenant, type, data, ip, user_agent)
      SELECT account_id, realm, tenant, activity->>'type', activity->'data', (activity->>'ip')::inet, left(activity->>'userAgent', 512)
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

export type NewProfile = Omit<ProfileRow, 'createdAt' | 'updatedAt' | 'sequence'>

/** Makes a profile and logs it; false when there is one already, or the membership has ended. */
export async function insertProfile(
  db: Queryable,
  row: NewProfile,
  createdAt: string,
  activity: NewActivity | undefined,
): Promise<boolean> {
  const { search, orders } = indexed(row)
  const { made } = await db.one(sql<{ made: boolean }>`
    WITH facts AS (
      SELECT ${storableJson({ activity })}::jsonb->'activity' AS activity
       WHERE NOT EXISTS (SELECT FROM removed_profiles r
                          WHERE r.account_id = ${row.accountId}::uuid AND r.realm IN ('', ${row.realm}) AND r.member_since >= ${row.memberSince})
         AND NOT EXISTS (SELECT FROM profiles p WHERE p.account_id = ${row.accountId}::uuid AND p.realm = ${row.realm})
    ), written AS (
      INSERT INTO profiles (${plainColumns}, preferences, search, created_at)
      SELECT ${plainColumns}, ${storableJson(row.preferences)}::jsonb, array_to_tsvector(${search}::text[]), ${createdAt}::timestamptz
        FROM facts, jsonb_populate_record(NULL::profiles, ${plainJson(row, orders)}::jsonb)
      -- Of two at once the number may be met first, which is the account's as well.
      ON CONFLICT DO NOTHING
      RETURNING account_id, realm, tenant
    ), ${logged}
    SELECT EXISTS (SELECT FROM written) AS made`)
  return made
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
      SELECT entry->'event' AS event, entry->'activity' AS activity FROM (SELECT ${storableJson(record)}::jsonb AS entry) e
    ), numbered AS (
      -- An account's go on through its realms, and when a membership begins anew.
      INSERT INTO event_sequences AS s (account_id, sequence) SELECT ${row.accountId}::uuid, 1 FROM facts WHERE event IS NOT NULL
      ON CONFLICT (account_id) DO UPDATE SET sequence = s.sequence + 1
      RETURNING sequence
    ), written AS (
      UPDATE profiles SET
        (${plainColumns}) = (SELECT ${plainColumns} FROM jsonb_populate_record(NULL::profiles, ${plainJson(row, orders)}::jsonb)),
        preferences = merged_preferences(preferences, ${storableJson(preferences)}::jsonb),
        sequence = coalesce((SELECT n.sequence FROM numbered n), profiles.sequence), search = array_to_tsvector(${search}::text[]),
        updated_at = CASE WHEN ${unseen}::boolean THEN updated_at ELSE now() END
       FROM facts WHERE account_id = ${row.accountId} AND realm = ${row.realm}
      RETURNING account_id, realm, tenant, sequence, preferences, updated_at
    ), emitted AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT (event->>'id')::uuid, account_id, sequence, event->>'type', event->'data' FROM written, facts WHERE event IS NOT NULL
    ), ${logged}
    SELECT preferences, updated_at AS "updatedAt", sequence, octet_length(preferences::text) AS size FROM written`)
}

/** Bytes that the preferences of a member, if there is a profile, would have with these laid over them. */
export const sizeOfPreferences = async (db: Queryable, member: Member | null, preferences: Profile['preferences']) => {
  const { size } = await db.one(sql<{ size: number }>`
    SELECT octet_length(merged_preferences(
             coalesce((SELECT preferences FROM profiles
                        WHERE account_id = ${member?.accountId ?? null}::uuid AND realm = ${member?.realm ?? null}::text), '{}'),
             ${storableJson(preferences)}::jsonb)::text) AS size`)
  return size
}
