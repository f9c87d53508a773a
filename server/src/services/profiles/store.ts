import { type Queryable, sql } from '../../platform/db/database.ts'
import type { AccountSummary } from './accounts-port.ts'

export interface Profile {
  accountId: string
  number: number
  username: string
  email: string | null
  firstName: string | null
  lastName: string | null
  phone: string | null
  address: string | null
  createdAt: Date
  updatedAt: Date | null
}

/** The fields a person may change; absent means unchanged, null means none. */
export interface ProfileFields {
  email?: string | null | undefined
  firstName?: string | null | undefined
  lastName?: string | null | undefined
  phone?: string | null | undefined
  address?: string | null | undefined
}

/** Makes the profile of an account, or completes the one it has; what is given twice is taken once. */
export const ensureProfile = (db: Queryable, account: AccountSummary, fields: ProfileFields = {}) =>
  db.one(sql<Profile>`
    INSERT INTO profiles AS p (account_id, number, username, email, first_name, last_name, phone, address)
    VALUES (${account.id}, ${account.number}, ${account.username}, ${fields.email ?? account.email},
            ${fields.firstName ?? null}, ${fields.lastName ?? null}, ${fields.phone ?? null}, ${fields.address ?? null})
    ON CONFLICT (account_id) DO UPDATE SET
      number = excluded.number, username = excluded.username,
      first_name = coalesce(p.first_name, excluded.first_name), last_name = coalesce(p.last_name, excluded.last_name),
      phone = coalesce(p.phone, excluded.phone), address = coalesce(p.address, excluded.address)
    RETURNING account_id AS "accountId", number, username, email, first_name AS "firstName", last_name AS "lastName",
              phone, address, created_at AS "createdAt", updated_at AS "updatedAt"`)

export const findByAccount = (db: Queryable, accountId: string) =>
  db.maybe(sql<Profile>`
    SELECT account_id AS "accountId", number, username, email, first_name AS "firstName", last_name AS "lastName",
           phone, address, created_at AS "createdAt", updated_at AS "updatedAt"
      FROM profiles WHERE account_id = ${accountId}`)

export const findByNumber = (db: Queryable, number: number) =>
  db.maybe(sql<Profile>`
    SELECT account_id AS "accountId", number, username, email, first_name AS "firstName", last_name AS "lastName",
           phone, address, created_at AS "createdAt", updated_at AS "updatedAt"
      FROM profiles WHERE number = ${number}`)

export const listProfiles = (db: Queryable, { limit, offset }: { limit: number; offset: number }) =>
  db.many(sql<Profile>`
    SELECT account_id AS "accountId", number, username, email, first_name AS "firstName", last_name AS "lastName",
           phone, address, created_at AS "createdAt", updated_at AS "updatedAt"
      FROM profiles ORDER BY number LIMIT ${limit} OFFSET ${offset}`)

export const changeProfile = (db: Queryable, accountId: string, fields: ProfileFields) =>
  db.maybe(sql<Profile>`
    UPDATE profiles SET
      email = CASE WHEN ${fields.email !== undefined} THEN ${fields.email ?? null} ELSE email END,
      first_name = CASE WHEN ${fields.firstName !== undefined} THEN ${fields.firstName ?? null} ELSE first_name END,
      last_name = CASE WHEN ${fields.lastName !== undefined} THEN ${fields.lastName ?? null} ELSE last_name END,
      phone = CASE WHEN ${fields.phone !== undefined} THEN ${fields.phone ?? null} ELSE phone END,
      address = CASE WHEN ${fields.address !== undefined} THEN ${fields.address ?? null} ELSE address END,
      updated_at = now()
    WHERE account_id = ${accountId}
    RETURNING account_id AS "accountId", number, username, email, first_name AS "firstName", last_name AS "lastName",
              phone, address, created_at AS "createdAt", updated_at AS "updatedAt"`)

export const removeProfile = (db: Queryable, accountId: string) =>
  db.run(sql`DELETE FROM profiles WHERE account_id = ${accountId}`)
