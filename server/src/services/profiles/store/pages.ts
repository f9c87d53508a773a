import { type Queryable, SqlPart, type Statement, sql } from '../../../platform/db/database.ts'
import type { ProfileRow } from '../profile.ts'
import { detailed } from './profiles.ts'

export type SortField = 'createdAt' | 'updatedAt' | 'email' | 'firstName' | 'lastName'

export interface Order {
  by: SortField
  descending: boolean
  /** True to read the order from its end. */
  backwards: boolean
}

interface Page {
  limit: number
  offset: number
}

const orderColumns: Readonly<Record<SortField, string>> = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  email: 'email_order',
  firstName: 'first_name_order',
  lastName: 'last_name_order',
}

/** Ties are in the order of the accounts, and nothing comes last. Each of these is an index of the migration, or one reversed. */
function orderBy({ by, descending, backwards }: Order): SqlPart {
  const direction = descending === backwards ? 'ASC' : 'DESC'
  // A column that is never null has one index for both directions.
  const nulls = by === 'createdAt' ? '' : ` NULLS ${backwards ? 'FIRST' : 'LAST'}`
  return new SqlPart(`${orderColumns[by]} ${direction}${nulls}, account_id ${direction}`)
}

/** What is looked for: the index finds what fits `narrow`, and of that is taken what fits `rest`; null when that is all of it. */
export interface Predicates {
  scope: string
  /** A tsquery. */
  indexPredicates: string
  /** A tsquery. */
  filterPredicates: string | null
}

const ids = async (db: Queryable, statement: Statement<{ id: string }>): Promise<string[]> =>
  (await db.many(statement)).map(({ id }) => id)

/** A page of all profiles of a scope: from the index alone, so that a late page costs little more than the first. */
export const pageOfAll = (db: Queryable, order: Order, scope: string, { limit, offset }: Page) =>
  ids(
    db,
    sql`SELECT account_id AS id FROM profiles WHERE scope = ${scope} ORDER BY ${orderBy(order)} LIMIT ${limit} OFFSET ${offset}`,
  )

/**
 * A page of what a query finds, by looking at the profiles in their order: for queries that find much. Looks at `within` of them at
 * most, so the page is short when what is wanted lies further behind.
 */
export const pageByWalking = (
  db: Queryable,
  order: Order,
  { scope, indexPredicates, filterPredicates, within }: Predicates & { within: number },
  { limit, offset }: Page,
) =>
  ids(
    db,
    sql`
    SELECT account_id AS id FROM (
      SELECT account_id, search FROM profiles WHERE scope = ${scope} ORDER BY ${orderBy(order)} LIMIT ${within}) walked
     WHERE search @@ ${indexPredicates}::tsquery AND (${filterPredicates}::text IS NULL OR search @@ ${filterPredicates}::tsquery) LIMIT ${limit} OFFSET ${offset}`,
  )

/** A page of what a query finds, by finding all of it and sorting that: for queries that find little. */
export const pageByGathering = (
  db: Queryable,
  order: Order,
  { scope, indexPredicates, filterPredicates }: Predicates,
  { limit, offset }: Page,
) =>
  ids(
    db,
    sql`
    WITH found AS MATERIALIZED (
      SELECT account_id, ${new SqlPart(orderColumns[order.by])} FROM profiles
       WHERE scope = ${scope} AND search @@ ${indexPredicates}::tsquery AND (${filterPredicates}::text IS NULL OR (search @@ ${filterPredicates}::tsquery) IS TRUE))
    SELECT account_id AS id FROM found ORDER BY ${orderBy(order)} LIMIT ${limit} OFFSET ${offset}`,
  )

/** How many there are. */
export const countFound = async (
  db: Queryable,
  { scope, indexPredicates, filterPredicates }: Predicates,
): Promise<number> => {
  // "IS TRUE" keeps the index from being asked for what many fit: looking at the few that are left takes less.
  const { found } = await db.one(sql<{ found: number }>`
    SELECT count(*) AS found FROM profiles
     WHERE scope = ${scope} AND search @@ ${indexPredicates}::tsquery AND (${filterPredicates}::text IS NULL OR (search @@ ${filterPredicates}::tsquery) IS TRUE)`)
  return found
}

/** The profiles of these members of a realm, in this order. */
export async function findProfiles(db: Queryable, realm: string, accountIds: readonly string[]): Promise<ProfileRow[]> {
  if (accountIds.length === 0) return []
  const rows = await db.many(sql<ProfileRow>`
    SELECT ${detailed} FROM profile_details WHERE "accountId" = ANY(${accountIds}::uuid[]) AND realm = ${realm}`)
  const byAccount = new Map(rows.map((row) => [row.accountId, row]))
  return accountIds.flatMap((id) => byAccount.get(id) ?? [])
}

/** A page of a scope's profiles in the order of their numbers. */
export async function listByNumber(db: Queryable, scope: string, { limit, offset }: Page): Promise<ProfileRow[]> {
  const page = await db.many(sql<{ number: number }>`
    SELECT number FROM profiles WHERE scope = ${scope} ORDER BY number LIMIT ${limit} OFFSET ${offset}`)
  if (page.length === 0) return []
  return db.many(sql<ProfileRow>`
    SELECT ${detailed} FROM profile_details WHERE number = ANY(${page.map(({ number }) => number)}::bigint[]) AND scope = ${scope}
     ORDER BY number`)
}

export const accountOfNumber = async (db: Queryable, number: number): Promise<string | undefined> =>
  (await db.maybe(sql<{ id: string }>`SELECT account_id AS id FROM profiles WHERE number = ${number} LIMIT 1`))?.id
