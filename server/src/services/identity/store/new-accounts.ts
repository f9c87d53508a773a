import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { Locale } from '../../realm/index.ts'
import { linksPerAddress } from '../limits.ts'
import type { AccountRow } from './accounts.ts'
import type { Origin } from './activities.ts'
import type { Grant, MembershipOrigin, MembershipState } from './memberships.ts'

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

/** Who has a name, or proved it as an address; the fields are null where nobody does but somebody once did. */
export interface Holder {
  id: string | null
  number: number | null
  emailVerified: boolean | null
  /** What the account is in the realm that asks; null: no member. */
  state: MembershipState | null
}

/** Who stands in the way of a new account of that name; undefined when it is free. */
export const findHolder = (db: Queryable, tenantId: string, username: string, realm: string) =>
  db.maybe(sql<Holder>`
    SELECT h.id, h.number, h.proven AS "emailVerified", m.state FROM (
      SELECT id, number, email_verified_at IS NOT NULL AS proven, 1 AS rank FROM accounts
       WHERE tenant_id = ${tenantId} AND lower(email) = lower(${username}) AND email_verified_at IS NOT NULL
      UNION ALL
      SELECT id, number, email_verified_at IS NOT NULL, 2 FROM accounts
       WHERE tenant_id = ${tenantId} AND lower(username) = lower(${username})
      UNION ALL
      -- Kept for whoever may still take it back.
      SELECT a.id, a.number, true, 3 FROM verification_tokens v JOIN accounts a ON a.id = v.account_id
       WHERE a.tenant_id = ${tenantId} AND v.token_type = 'address_undo' AND lower(v.email) = lower(${username})
         AND v.used_at IS NULL AND v.revoked_at IS NULL AND v.expires_at > now()
      UNION ALL
      SELECT NULL, NULL, NULL, 4 FROM retired_usernames
       WHERE tenant_id = ${tenantId} AND username_hash = sha256(convert_to(lower(${username}), 'UTF8'))
      ORDER BY rank LIMIT 1) h
      LEFT JOIN memberships m ON m.account_id = h.id AND m.realm = ${realm}`)

/**
 * The account of that address when nobody ever proved the address, signed in or was given a role, and the link to prove it has
 * expired: it must not keep the person away whose address it is.
 */
export const findAbandoned = (db: Queryable, tenantId: string, email: string) =>
  db.maybe(sql<{ id: string }>`
    SELECT a.id FROM accounts a
     WHERE a.tenant_id = ${tenantId} AND lower(a.email) = lower(${email}) AND lower(a.username) IN (lower(a.email), a.id::text)
       AND a.email_verified_at IS NULL AND a.last_login_at IS NULL AND a.created_at < now() - interval '24 hours'
       AND NOT EXISTS (SELECT 1 FROM verification_tokens v WHERE v.account_id = a.id AND v.expires_at > now())
       AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = a.id AND (m.role IS NOT NULL OR m.origin <> 'registered'))
       FOR UPDATE`)

/**
 * True when the address is the name of an account of other realms that never proved it, while no member of this one has it: such a
 * name keeps nobody away who can prove the address.
 */
export const heldUnprovenElsewhere = async (
  db: Queryable,
  tenantId: string,
  email: string,
  realm: string,
): Promise<boolean> => {
  const { elsewhere } = await db.one(sql<{ elsewhere: boolean }>`
    WITH holders AS (
      SELECT lower(a.username) = lower(${email}) AS named, a.email_verified_at IS NOT NULL AS proven, EXISTS (
               SELECT 1 FROM memberships m WHERE m.account_id = a.id AND m.realm = ${realm} AND m.state <> 'removed') AS here
        FROM accounts a
       WHERE a.tenant_id = ${tenantId} AND (lower(a.username) = lower(${email}) OR lower(a.email) = lower(${email}))
    )
    SELECT coalesce(bool_or(named) AND bool_and(NOT proven AND NOT here), false) AS elsewhere FROM holders`)
  return elsewhere
}

/** Lets a name be used again that was kept from being given to somebody else. Gives how many were kept. */
export const releaseUsername = (db: Queryable, tenant: string, username: string) =>
  db.run(sql`
    DELETE FROM retired_usernames r USING tenants t
     WHERE t.id = r.tenant_id AND lower(t.name) = lower(${tenant})
       AND r.username_hash = sha256(convert_to(lower(${username}), 'UTF8'))`)

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
  /** Its first membership. */
  realm: string
  state: 'active' | 'pending'
  origin: MembershipOrigin
  grant: Grant | undefined
  /** The link to prove the address, when one is mailed. */
  verification: { id: string; mailId: string; expiresAt: Date } | undefined
  /** The failures of unknown devices on the name while it was nobody's: they must not lock its owner out. */
  counter: Buffer
  /** JSON of the events; the first two are `account.registered` and `membership.started`, which get the number here. */
  events: string
}

/** Account, membership, link, mail, activity and events in one statement; undefined when name or proven address is taken, or was. */
export const insertAccount = (db: Queryable, one: NewAccount) =>
  db.maybe(sql<AccountRow>`
    WITH created AS (
      INSERT INTO accounts (id, tenant_id, username, email, email_verified_at, second_factor, display_name, password_hash,
                            password_realm, locale, sequence)
      SELECT ${one.id}::uuid, t.id, ${one.username}::text, ${one.email}::text,
             CASE WHEN ${one.emailVerified}::boolean THEN now() END, ${one.secondFactor}::boolean, ${one.displayName}::text,
             ${one.passwordHash}::text, CASE WHEN ${one.passwordHash}::text IS NOT NULL THEN ${one.realm}::text END, ${one.locale}::text, jsonb_array_length(${one.events}::jsonb)
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
    ), member AS (
      INSERT INTO memberships (account_id, realm, role, administrator, state, origin, since)
      SELECT id, ${one.realm}::text, ${one.grant?.role ?? null}::text, ${one.grant?.administrator ?? false}::boolean,
             ${one.state}::text, ${one.origin}::text, created_at
        FROM created
    ), link AS (
      INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at)
      SELECT ${one.verification?.id ?? null}::uuid, id, ${one.realm}::text, 'email_verification', email,
             ${one.verification?.expiresAt ?? null}::timestamptz
        FROM created WHERE ${one.verification?.id ?? null}::uuid IS NOT NULL
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind, challenge_id)
      SELECT ${one.verification?.mailId ?? null}::uuid, id, ${one.realm}::text, 'verify_email', ${one.verification?.id ?? null}::uuid
        FROM created
       WHERE ${one.verification?.id ?? null}::uuid IS NOT NULL
         AND (SELECT count(*) FROM verification_tokens v
               WHERE lower(v.email) = lower(created.email) AND v.created_at > now() - interval '1 hour') < ${linksPerAddress}
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${one.realm}::text, 'register', ${one.ip}::inet, left(${one.userAgent ?? null}::text, 512) FROM created
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.id, e.aggregate_id, e.sequence, e.type,
             CASE e.type WHEN 'account.registered' THEN e.data || jsonb_build_object('number', c.number)
               WHEN 'membership.started' THEN e.data || jsonb_build_object('number', c.number, 'since', c.created_at)
               ELSE e.data END
        FROM created c, events_of(c.id, c.sequence, ${one.events}::jsonb) e
    )
    SELECT c.id, c.number, c.tenant_id AS "tenantId", t.number AS "tenantNumber", t.name AS "tenantName", c.username, c.email,
           c.display_name AS "displayName", c.email_verified_at IS NOT NULL AS "emailVerified", c.second_factor AS "secondFactor",
           ${one.state}::text = 'active' AS active, c.version, c.revision, c.locale, c.preferences, c.created_at AS "createdAt", c.updated_at AS "updatedAt",
           c.last_login_at AS "lastLoginAt", ${one.grant?.role ?? null}::text AS role
      FROM created c JOIN tenants t ON t.id = c.tenant_id`)
