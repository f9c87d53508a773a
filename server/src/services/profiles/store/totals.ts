import { type Queryable, sql } from '../../../platform/db/database.ts'
import { departmentFacets } from '../search/facets.ts'

/** How many profiles of a scope have each of these lexemes. */
export async function totalsOf(
  db: Queryable,
  scope: string,
  lexemes: readonly string[],
): Promise<(term: string) => number> {
  const rows = await db.many(sql<{ term: string; profiles: number }>`
    SELECT term, sum(profiles) AS profiles FROM totals
     WHERE scope = ${scope} AND term = ANY(${[...new Set(lexemes)]}::text[]) GROUP BY term`)
  const known = new Map(rows.map(({ term, profiles }) => [term, profiles]))
  return (term) => known.get(term) ?? 0
}

/** The departments of a scope that have the most profiles, as they were first written. */
export const countDepartments = (db: Queryable, scope: string, limit: number) =>
  db.many(sql<{ department: string; count: number }>`
    SELECT coalesce(d.department, substr(t.term, ${departmentFacets.length + 1})) AS department, count FROM (
      SELECT term, sum(profiles) AS count FROM totals
       WHERE scope = ${scope} AND term >= ${departmentFacets} AND term < ${`${departmentFacets}\u{10ffff}`}
       GROUP BY term HAVING sum(profiles) > 0 ORDER BY sum(profiles) DESC, term LIMIT ${limit}) t
      LEFT JOIN departments d ON d.scope = ${scope} AND d.term = t.term
     ORDER BY count DESC, t.term`)

/** Forgets how departments were written that nobody belongs to any more. */
export const pruneDepartments = () => sql`
  DELETE FROM departments d
   WHERE NOT EXISTS (SELECT FROM totals t WHERE (t.scope, t.term) = (d.scope, d.term) HAVING sum(t.profiles) > 0)`

/** Profiles of a scope that were made in the last 30 days, and in the last 7. */
export const countNew = (db: Queryable, scope: string) =>
  db.one(sql<{ newIn30Days: number; newIn7Days: number }>`
    SELECT count(*) AS "newIn30Days", count(*) FILTER (WHERE created_at > now() - interval '7 days') AS "newIn7Days"
      FROM profiles WHERE scope = ${scope} AND created_at > now() - interval '30 days'`)

/**
 * Forgets lexemes that no profile has any more, of a hundredth of the table at a time. Only rows that are locked and add up to nothing
 * are removed, so that whoever counts meanwhile loses nothing.
 */
export const pruneTotals = () => sql`
  WITH sample AS (
    SELECT DISTINCT scope, term FROM totals TABLESAMPLE SYSTEM (1) LIMIT 1000
  ), unused AS (
    SELECT scope, term FROM sample
     WHERE (SELECT sum(t.profiles) FROM totals t WHERE (t.scope, t.term) = (sample.scope, sample.term)) = 0
  ), locked AS MATERIALIZED (
    SELECT t.scope, t.term, t.slot, t.profiles FROM totals t JOIN unused USING (scope, term)
     ORDER BY t.scope, t.term, t.slot FOR UPDATE OF t SKIP LOCKED
  )
  DELETE FROM totals t USING locked
   WHERE (t.scope, t.term, t.slot) = (locked.scope, locked.term, locked.slot)
     AND (locked.scope, locked.term) IN (SELECT scope, term FROM locked GROUP BY scope, term HAVING sum(profiles) = 0)`
