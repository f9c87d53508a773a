import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { ProfileRow } from '../profile.ts'
import { detailed, indexed } from './profiles.ts'

const batch = 500

/** Gives search and order to some of the profiles that have none yet, and says how many those were. */
export async function indexSome(tx: Queryable): Promise<number> {
  const rows = await tx.many(sql<ProfileRow>`
    SELECT ${detailed} FROM profile_details WHERE ("accountId", realm) IN (
      SELECT account_id, realm FROM profiles WHERE NOT indexed ORDER BY account_id LIMIT ${batch} FOR NO KEY UPDATE SKIP LOCKED)`)
  if (rows.length === 0) return 0
  const found = rows.map((row) => {
    const { search, orders } = indexed(row)
    return { id: row.accountId, realm: row.realm, search, ...orders }
  })
  await tx.run(sql`
    UPDATE profiles p SET search = array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(i.search))), email_order = i.email_order,
           first_name_order = i.first_name_order, last_name_order = i.last_name_order, indexed = true
      FROM jsonb_to_recordset(${JSON.stringify(found)}::jsonb)
           AS i (id uuid, realm text, search jsonb, email_order text, first_name_order text, last_name_order text)
     WHERE p.account_id = i.id AND p.realm = i.realm`)
  return rows.length
}

/** Some of the accounts whose profile is from before realms, after this one. */
export const withoutRealm = async (db: Queryable, after: string): Promise<string[]> =>
  (
    await db.many(sql<{ id: string }>`
      SELECT account_id AS id FROM profiles WHERE realm = '' AND account_id > ${after} ORDER BY account_id LIMIT ${batch}`)
  ).map(({ id }) => id)

/** Forgets the profile from before, now that each realm has its own, which was changed and announced when that was. */
export const dropWithoutRealm = (tx: Queryable, accountId: string) =>
  tx.run(sql`
    WITH before AS (
      DELETE FROM profiles WHERE account_id = ${accountId} AND realm = '' RETURNING account_id, sequence, updated_at
    )
    UPDATE profiles p SET sequence = greatest(p.sequence, b.sequence), updated_at = coalesce(p.updated_at, b.updated_at)
      FROM before b WHERE p.account_id = b.account_id AND p.realm <> ''`)
