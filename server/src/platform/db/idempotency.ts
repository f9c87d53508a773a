import { type Database, type Queryable, sql, violates } from './database.ts'

/** An `Idempotency-Key` with what it is bound to. */
export interface IdempotencyKey {
  /** The account that sent it. */
  accountId: string
  /** Method and path of the route. */
  route: string
  key: string
  /** A keyed digest of the request without its passwords: the same key with another request is a client's mistake. */
  requestHash: Buffer
}

/**
 * Creates something once per key, in the transaction that also records the key: a repeated request finds what the first one
 * created, a concurrent twin waits for it, and a failed creation leaves the key unused.
 * @param create creates it under the given id
 * @param again gives what was created under that id
 * @param reused the error for a key that was sent with another request
 */
export async function createOnce<Created>(
  database: Database,
  key: IdempotencyKey | undefined,
  work: {
    id: string
    create: (tx: Queryable) => Promise<Created>
    again: (id: string) => Promise<Created>
    reused: () => Error
  },
): Promise<{ created: Created; fresh: boolean }> {
  if (!key) return { created: await work.create(database), fresh: true }
  try {
    const found = await findKey(database, key)
    if (!found) return { created: await database.transaction((tx) => claimAndCreate(tx, key, work)), fresh: true }
  } catch (error) {
    if (!violates(error, 'idempotency_keys_pkey')) throw error
  }
  const first = await findKey(database, key)
  if (!first?.sameRequest) throw work.reused()
  return { created: await work.again(first.createdId), fresh: false }
}

async function claimAndCreate<Created>(
  tx: Queryable,
  { accountId, route, key, requestHash }: IdempotencyKey,
  work: { id: string; create: (tx: Queryable) => Promise<Created> },
): Promise<Created> {
  // A twin's insert waits here for the first one's commit or rollback.
  await tx.run(sql`
    INSERT INTO idempotency_keys (account_id, route, key, request_hash, created_id)
    VALUES (${accountId}, ${route}, ${key}, ${requestHash}, ${work.id})`)
  return work.create(tx)
}

const findKey = (db: Queryable, { accountId, route, key, requestHash }: IdempotencyKey) =>
  db.maybe(sql<{ createdId: string; sameRequest: boolean }>`
    SELECT created_id AS "createdId", request_hash = ${requestHash} AS "sameRequest" FROM idempotency_keys
     WHERE account_id = ${accountId} AND route = ${route} AND key = ${key}`)

/** Forgets keys a day old, a bounded number at a time. */
export const pruneIdempotencyKeys = () => sql`
  DELETE FROM idempotency_keys WHERE ctid IN (
    SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT 1000)`
