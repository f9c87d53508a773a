import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { Locale } from '../../realm/index.ts'
import { linksPerAddress } from '../limits.ts'
import type { AccountRow } from './accounts.ts'
import type { Origin } from './activities.ts'

export interface TenantSettings {
  /** The least zxcvbn score of a new password. */
  minPasswordScore?: number
  /** True: who joins has to be activated by an administrator first. */
  approval?: boolean
}

export interface TenantRow {
  id: string
  settings: TenantSettings
  /** True when this call made it. */
  created: boolean
}

/** The tenant of that name, made when there is none. */
export async function ensureTenant(tx: Queryable, id: string, name: string): Promise<TenantRow> {
  const created = await tx.maybe(sql<{ id: string; settings: TenantSettings }>`
    INSERT INTO tenants (id, name) VALUES (${id}, ${name}) ON CONFLICT (lower(name)) DO NOTHING RETURNING id, settings`)
  if (created) return { ...created, created: true }
  const found = await tx.one(sql<{ id: string; settings: TenantSettings }>`
    SELECT id, settings FROM tenants WHERE lower(name) = lower(${name})`)
  return { ...found, created: false }
}

export const findTenant = (db: Queryable, name: string) =>
  db.maybe(sql<{ id: string; settings: TenantSettings }>`
    SELECT id, settings FROM tenants WHERE lower(name) = lower(${name})`)

export const listTenants = (db: Queryable, limit: number) =>
  db.many(sql<{ name: string }>`SELECT name FROM tenants ORDER BY number DESC LIMIT ${limit}`)

export const changeTenantSettings = (db: Queryable, name: string, settings: TenantSettings) =>
  db.maybe(sql<{ settings: TenantSettings }>`
    UPDATE tenants SET settings = settings || ${JSON.stringify(settings)}::jsonb WHERE lower(name) = lower(${name})
    RETURNING settings`)

/** True when the name belongs to an account of the tenant, once did, or is a proven address of one. */
export const nameTaken = async (db: Queryable, tenantId: string, username: string): Promise<boolean> => {
  const { taken } = await db.one(sql<{ taken: boolean }>`
    SELECT EXISTS (SELECT 1 FROM accounts WHERE tenant_id = ${tenantId} AND lower(username) = lower(${username}))
        OR EXISTS (SELECT 1 FROM accounts
                    WHERE tenant_id = ${tenantId} AND lower(email) = lower(${username}) AND email_verified_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM retired_usernames WHERE tenant_id = ${tenantId}
                    AND username_hash = sha256(convert_to(lower(${username}), 'UTF8'))) AS taken`)
  return taken
}

/**
 * The account of that address which was registered by this contract, when nobody ever proved the address or signed in, and the link
 * to do so has expired: it must not keep the person away whose address it is.
 */
export const findAbandoned = (db: Queryable, tenantId: string, email: string, contract: string) =>
  db.maybe(sql<{ id: string }>`
    SELECT a.id FROM accounts a
     WHERE a.tenant_id = ${tenantId} AND lower(a.email) = lower(${email}) AND lower(a.username) IN (lower(a.email), a.id::text)
       AND a.email_verified_at IS NULL AND a.last_login_at IS NULL AND a.created_at < now() - interval '24 hours'
       AND NOT EXISTS (SELECT 1 FROM verification_tokens v WHERE v.account_id = a.id AND v.expires_at > now())
       AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.account_id = a.id)
       AND EXISTS (SELECT 1 FROM activities v WHERE v.account_id = a.id AND v.contract = ${contract} AND v.action = 'register')
       FOR UPDATE`)

/**
 * True when the address is the name of an account that never proved it and came by another contract, while none that came by this
 * one has it: such a name keeps nobody away who can prove the address.
 */
export const heldUnprovenElsewhere = async (
  db: Queryable,
  tenantId: string,
  email: string,
  contract: string,
): Promise<boolean> => {
  const { elsewhere } = await db.one(sql<{ elsewhere: boolean }>`
    WITH holders AS (
      SELECT lower(a.username) = lower(${email}) AS named, a.email_verified_at IS NOT NULL AS proven, EXISTS (
               SELECT 1 FROM activities v WHERE v.account_id = a.id AND v.contract = ${contract} AND v.action = 'register') AS here
        FROM accounts a
       WHERE a.tenant_id = ${tenantId} AND (lower(a.username) = lower(${email}) OR lower(a.email) = lower(${email}))
    )
    SELECT coalesce(bool_or(named) AND bool_and(NOT proven AND NOT here), false) AS elsewhere FROM holders`)
  return elsewhere
}

/** Keeps two registrations of one address from not seeing each other. */
export const lockAddress = (tx: Queryable, tenantId: string, email: string) =>
  tx.run(sql`SELECT pg_advisory_xact_lock(hashtext(${tenantId}), hashtext(lower(${email})))`)

/** Keeps two first registrations from both becoming the contract's administrator. */
export const lockFirstAdministrator = (tx: Queryable, contract: string) =>
  tx.run(sql`SELECT pg_advisory_xact_lock(hashtext('first-administrator'), hashtext(${contract}))`)

export interface NewAccount extends Origin {
  id: string
  tenantId: string
  username: string
  email: string | null
  emailVerified: boolean
  secondFactor: boolean
  displayName: string | null
  passwordHash: string | null
  locale: Locale
  active: boolean
  contract: string
  grant: { role: string; administrator: boolean } | undefined
  /** The link to prove the address, when one is mailed. */
  verification: { id: string; mailId: string; expiresAt: Date } | undefined
  /** The failures of unknown devices on the name while it was nobody's: they must not lock its owner out. */
  counter: Buffer
  /** JSON of the events; the first is `account.registered`, which gets number and tenant here. */
  events: string
}

/** Account, grant, link, mail, activity and events in one statement; undefined when name or proven address is taken, or was. */
export const insertAccount = (db: Queryable, one: NewAccount) =>
  db.maybe(sql<AccountRow>`
    WITH created AS (
      INSERT INTO accounts (id, tenant_id, username, email, email_verified_at, second_factor, display_name, password_hash,
                            locale, active, sequence)
      SELECT ${one.id}::uuid, t.id, ${one.username}::text, ${one.email}::text,
             CASE WHEN ${one.emailVerified}::boolean THEN now() END, ${one.secondFactor}::boolean, ${one.displayName}::text,
             ${one.passwordHash}::text, ${one.locale}::text, ${one.active}::boolean, jsonb_array_length(${one.events}::jsonb)
        FROM tenants t
       WHERE t.id = ${one.tenantId}
         AND NOT EXISTS (SELECT 1 FROM retired_usernames r WHERE r.tenant_id = t.id
                          AND r.username_hash = sha256(convert_to(lower(${one.username}::text), 'UTF8')))
         AND NOT EXISTS (SELECT 1 FROM accounts p WHERE p.tenant_id = t.id AND lower(p.email) = lower(${one.username}::text)
                          AND p.email_verified_at IS NOT NULL)
      ON CONFLICT DO NOTHING
      RETURNING *
    ), forgotten AS (
      DELETE FROM sign_in_counters WHERE key = ${one.counter} AND EXISTS (SELECT 1 FROM created)
    ), granted AS (
      INSERT INTO grants (account_id, contract, role, administrator)
      SELECT id, ${one.contract}::text, ${one.grant?.role ?? null}::text, ${one.grant?.administrator ?? false}::boolean
        FROM created WHERE ${one.grant?.role ?? null}::text IS NOT NULL
    ), link AS (
      INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at)
      SELECT ${one.verification?.id ?? null}::uuid, id, ${one.contract}::text, 'email_verification', email,
             ${one.verification?.expiresAt ?? null}::timestamptz
        FROM created WHERE ${one.verification?.id ?? null}::uuid IS NOT NULL
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind, challenge_id)
      SELECT ${one.verification?.mailId ?? null}::uuid, id, ${one.contract}::text, 'verify_email', ${one.verification?.id ?? null}::uuid
        FROM created
       WHERE ${one.verification?.id ?? null}::uuid IS NOT NULL
         AND (SELECT count(*) FROM verification_tokens v
               WHERE lower(v.email) = lower(created.email) AND v.created_at > now() - interval '1 hour') < ${linksPerAddress}
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${one.contract}::text, 'register', ${one.ip}::inet, left(${one.userAgent ?? null}::text, 512) FROM created
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM created c, events_of(c.id, c.sequence, jsonb_set(${one.events}::jsonb, '{0,data}',
        ${one.events}::jsonb->0->'data' || jsonb_build_object('number', c.number, 'tenantId', c.tenant_id))) e
    )
    SELECT c.id, c.number, c.tenant_id AS "tenantId", t.number AS "tenantNumber", t.name AS "tenantName", c.username, c.email,
           c.display_name AS "displayName", c.email_verified_at IS NOT NULL AS "emailVerified", c.second_factor AS "secondFactor",
           c.active, c.version, c.locale, c.preferences, c.created_at AS "createdAt", c.updated_at AS "updatedAt",
           c.last_login_at AS "lastLoginAt", ${one.grant?.role ?? null}::text AS role
      FROM created c JOIN tenants t ON t.id = c.tenant_id`)
