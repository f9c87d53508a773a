import { type Database, type Statement, sql } from '../../src/platform/db/database.ts'
import { newId } from '../../src/platform/ids.ts'
import type { MembershipOrigin, MembershipState } from '../../src/services/identity/store/memberships.ts'
import { freshDatabase } from './test-databases.ts'

/** How far from now, as an interval of PostgreSQL; null: never. */
type At = string | null

/** The tenant that every installation has. */
export const mainTenant = '01900000-0000-7000-8000-000000000001'

let made = 0
const unique = (what: string) => `${what}${++made}`

/** Identity's tables on a database of their own, with functions that plant rows which differ from the usual one in what is said. */
export function identityStore(name: string) {
  const fresh = freshDatabase(name, { service: 'identity' })
  const planted = async (id: string, statement: Statement<unknown>): Promise<string> => {
    await fresh.database.run(statement)
    return id
  }
  return {
    get database(): Database {
      return fresh.database
    },
    tenant(): Promise<{ id: string; name: string }> {
      const name = unique('Tenant')
      return fresh.database.one(
        sql<{
          id: string
          name: string
        }>`INSERT INTO tenants (id, name) VALUES (${newId()}, ${name}) RETURNING id, name`,
      )
    },
    account(
      by: {
        tenantId?: string
        username?: string
        email?: string | null
        proven?: boolean
        secondFactor?: boolean
        created?: string
        lastLogin?: At
        /** What it is in the realm `test`: an active member, unless it is said otherwise; null: no member. */
        state?: MembershipState | null
      } = {},
    ): Promise<string> {
      const id = newId()
      const { state = 'active' } = by
      return planted(
        id,
        sql`
          WITH account AS (
            INSERT INTO accounts (id, tenant_id, username, email, email_verified_at, second_factor, created_at, last_login_at)
            VALUES (${id}, ${by.tenantId ?? mainTenant}, ${by.username ?? unique('person')}, ${by.email ?? null},
                    CASE WHEN ${by.proven ?? false} THEN now() END, ${by.secondFactor ?? false},
                    now() + ${by.created ?? '0'}::interval, now() + ${by.lastLogin ?? null}::interval)
          )
          INSERT INTO memberships (account_id, realm, state, origin)
          SELECT ${id}, 'test', ${state}::text, 'registered' WHERE ${state}::text IS NOT NULL`,
      )
    },
    /** A membership, in the place of the one that the account has in that realm. */
    member: (
      accountId: string,
      by: {
        realm?: string
        role?: string | null
        administrator?: boolean
        state?: MembershipState
        origin?: MembershipOrigin
        version?: number
        changed?: string
      } = {},
    ): Promise<string> =>
      planted(
        accountId,
        sql`
          INSERT INTO memberships (account_id, realm, role, administrator, state, origin, version, changed_at)
          VALUES (${accountId}, ${by.realm ?? 'test'}, ${by.role === undefined ? 'editor' : by.role}, ${by.administrator ?? false},
                  ${by.state ?? 'active'}, ${by.origin ?? 'registered'}, ${by.version ?? 0}, now() + ${by.changed ?? '0'}::interval)
          ON CONFLICT (account_id, realm) DO UPDATE SET
            role = excluded.role, administrator = excluded.administrator, state = excluded.state, origin = excluded.origin,
            version = excluded.version, changed_at = excluded.changed_at`,
      ),
    session(by: {
      accountId: string
      contract?: string
      ended?: At
      expires?: string
      created?: string
    }): Promise<string> {
      const id = newId()
      return planted(
        id,
        sql`
          INSERT INTO sessions (id, account_id, contract, created_at, ended_at, end_reason, expires_at)
          VALUES (${id}, ${by.accountId}, ${by.contract ?? 'test'}, now() + ${by.created ?? '0'}::interval, now() + ${by.ended ?? null}::interval,
                  CASE WHEN ${by.ended ?? null}::text IS NOT NULL THEN 'before' END, now() + ${by.expires ?? '1 hour'}::interval)`,
      )
    },
    async token(by: { sessionId: string; expires?: string; replaced?: At; created?: string }): Promise<Buffer> {
      const hash = Buffer.from(newId())
      await fresh.database.run(sql`
        INSERT INTO refresh_tokens (token_hash, session_id, created_at, expires_at, replaced_at)
        VALUES (${hash}, ${by.sessionId}, now() + ${by.created ?? '0'}::interval, now() + ${by.expires ?? '1 hour'}::interval,
                now() + ${by.replaced ?? null}::interval)`)
      return hash
    },
    link(by: {
      accountId: string
      contract?: string
      type?: 'email_verification' | 'password_reset' | 'address_change' | 'address_undo'
      email?: string
      created?: string
      expires?: string
      used?: At
      revoked?: At
      details?: Readonly<Record<string, unknown>>
    }): Promise<string> {
      const id = newId()
      return planted(
        id,
        sql`
          INSERT INTO verification_tokens (id, account_id, contract, token_type, email, created_at, expires_at, used_at, revoked_at, details)
          VALUES (${id}, ${by.accountId}, ${by.contract ?? 'test'}, ${by.type ?? 'password_reset'}, ${by.email ?? 'ada@example.org'},
                  now() + ${by.created ?? '0'}::interval, now() + ${by.expires ?? '1 hour'}::interval,
                  now() + ${by.used ?? null}::interval, now() + ${by.revoked ?? null}::interval, ${JSON.stringify(by.details ?? {})}::jsonb)`,
      )
    },
    challenge(by: {
      accountId: string
      contract?: string
      attempts?: number
      expires?: string
      used?: At
      revoked?: At
      tokenHash?: Buffer
    }): Promise<string> {
      const id = newId()
      return planted(
        id,
        sql`
          INSERT INTO mfa_codes (id, account_id, contract, session_token_hash, revision, counter, attempts, expires_at, used_at, revoked_at)
          VALUES (${id}, ${by.accountId}, ${by.contract ?? 'test'}, ${by.tokenHash ?? Buffer.from(id)}, 1, 'counter',
                  ${by.attempts ?? 0}, now() + ${by.expires ?? '1 hour'}::interval, now() + ${by.used ?? null}::interval,
                  now() + ${by.revoked ?? null}::interval)`,
      )
    },
    async counter(
      by: {
        key?: Buffer
        accountId?: string
        /** Null: over all of them. */
        contract?: string | null
        failures?: number
        locked?: At
        expires?: string
      } = {},
    ): Promise<Buffer> {
      const key = by.key ?? Buffer.from(newId())
      await fresh.database.run(sql`
        INSERT INTO sign_in_counters (key, contract, account_id, failures, locked_until, expires_at)
        VALUES (${key}, ${by.contract === undefined ? 'test' : by.contract}, ${by.accountId ?? null}, ${by.failures ?? 1}, now() + ${by.locked ?? null}::interval,
                now() + ${by.expires ?? '1 hour'}::interval)`)
      return key
    },
    device: (accountId: string, key: Buffer, seen = '0') =>
      planted(
        accountId,
        sql`INSERT INTO known_devices (account_id, key, seen_at) VALUES (${accountId}, ${key}, now() + ${seen}::interval)`,
      ),
    /** Which of these rows, by what they stand for, have that column set by now. */
    async having(
      column: 'sessions.ended' | 'codes.revoked' | 'links.revoked' | 'codes.used',
      rows: Readonly<Record<string, string>>,
    ): Promise<string[]> {
      const ids = Object.values(rows)
      const statement = {
        // What was ended before is none of it.
        'sessions.ended': sql<{
          id: string
        }>`SELECT id FROM sessions WHERE id = ANY(${ids}::uuid[]) AND ended_at IS NOT NULL AND end_reason <> 'before'`,
        'codes.revoked': sql<{
          id: string
        }>`SELECT id FROM mfa_codes WHERE id = ANY(${ids}::uuid[]) AND revoked_at >= now() - interval '1 minute'`,
        'links.revoked': sql<{
          id: string
        }>`SELECT id FROM verification_tokens WHERE id = ANY(${ids}::uuid[]) AND revoked_at >= now() - interval '1 minute'`,
        'codes.used': sql<{
          id: string
        }>`SELECT id FROM mfa_codes WHERE id = ANY(${ids}::uuid[]) AND used_at >= now() - interval '1 minute'`,
      }[column]
      const found = new Set((await fresh.database.many(statement)).map(({ id }) => id))
      return Object.keys(rows).filter((what) => found.has(rows[what] ?? ''))
    },
    /** Which of these counters are there. */
    async counting(keys: Readonly<Record<string, Buffer>>): Promise<string[]> {
      const there = await fresh.database.many(sql<{ key: Buffer }>`SELECT key FROM sign_in_counters`)
      return Object.keys(keys).filter((what) => there.some(({ key }) => key.equals(keys[what] ?? Buffer.alloc(0))))
    },
  }
}

/** What is planted under each name, once all of it is. */
export const plantAll = async <Row>(rows: Readonly<Record<string, Promise<Row>>>): Promise<Record<string, Row>> =>
  Object.fromEntries(await Promise.all(Object.entries(rows).map(async ([what, row]) => [what, await row] as const)))
