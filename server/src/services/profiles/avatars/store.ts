import { type Queryable, sql } from '../../../platform/db/database.ts'

/** Notes a file before there is one, so that none can be forgotten. */
export const noteFile = (db: Queryable, key: string, accountId: string) =>
  db.run(sql`INSERT INTO avatar_files (key, account_id) VALUES (${key}, ${accountId})`)

export const forgetFile = (db: Queryable, key: string) => db.run(sql`DELETE FROM avatar_files WHERE key = ${key}`)

/** True when the file is somebody's avatar now. */
export async function isShown(db: Queryable, key: string): Promise<boolean> {
  const { shown } = await db.one(sql<{ shown: boolean }>`
    SELECT EXISTS (
      SELECT FROM avatar_files f JOIN profiles p ON p.account_id = f.account_id AND p.avatar_key = f.key
       WHERE f.key = ${key}) AS shown`)
  return shown
}

/** Files that nobody's profile names: those of people who were removed, and others after a day. Locked until the transaction ends. */
export const lockOrphans = (tx: Queryable, limit: number) =>
  tx.many(sql<{ key: string }>`
    SELECT f.key FROM avatar_files f
     -- What is noted may be on its way to its profile.
     WHERE f.created_at < now() - CASE WHEN EXISTS (SELECT FROM removed_profiles r WHERE r.account_id = f.account_id)
                                       THEN interval '5 minutes' ELSE interval '1 day' END
       AND NOT EXISTS (SELECT FROM profiles p WHERE p.account_id = f.account_id AND p.avatar_key = f.key)
     LIMIT ${limit} FOR UPDATE OF f SKIP LOCKED`)
