import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { ProfileRow } from '../profile.ts'
import { indexed } from './profiles.ts'

const batch = 500

/** Gives search and order to some of the profiles that have none yet, and says how many those were. */
export async function indexSome(tx: Queryable): Promise<number> {
  const rows = await tx.many(sql<ProfileRow>`
    SELECT * FROM profile_details WHERE "accountId" IN (
      SELECT account_id FROM profiles WHERE NOT indexed ORDER BY account_id LIMIT ${batch} FOR NO KEY UPDATE SKIP LOCKED)`)
  if (rows.length === 0) return 0
  const found = rows.map((row) => {
    const { search, orders } = indexed(row)
    return { id: row.accountId, search, ...orders }
  })
  await tx.run(sql`
    UPDATE profiles p SET search = array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(i.search))), email_order = i.email_order,
           first_name_order = i.first_name_order, last_name_order = i.last_name_order, indexed = true
      FROM jsonb_to_recordset(${JSON.stringify(found)}::jsonb)
           AS i (id uuid, search jsonb, email_order text, first_name_order text, last_name_order text)
     WHERE p.account_id = i.id`)
  return rows.length
}

/** Some of the accounts whose roles identity was not asked for yet. */
export const withoutRoles = async (db: Queryable): Promise<string[]> =>
  (
    await db.many(sql<{ id: string }>`
      SELECT account_id AS id FROM profiles WHERE roles IS NULL ORDER BY account_id LIMIT ${batch}`)
  ).map(({ id }) => id)
