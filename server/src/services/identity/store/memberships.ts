import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { Origin } from './activities.ts'

export type MembershipState = 'active' | 'inactive' | 'pending' | 'removed'
/** How somebody came to belong to a realm. */
export type MembershipOrigin = 'registered' | 'joined' | 'added' | 'imported'

/** A role as a membership holds it. */
export interface Grant {
  role: string
  administrator: boolean
}

export interface NewMembership extends Origin {
  accountId: string
  realm: string
  grant: Grant | undefined
  state: 'active' | 'pending'
  origin: MembershipOrigin
  /** What the log calls it. */
  action: 'join' | 'add'
  /** JSON of the events; the first is `membership.started`, which gets what is known of the account here. */
  events: string
  /** The mail that tells the person, who has a proven address. */
  mailId: string
}

/**
 * Makes an account a member, or a member again; the account's row has to be locked in the transaction already. False when it is one.
 * A role of before does not come back, and tokens of before stay refused.
 */
export const insertMembership = async (tx: Queryable, by: NewMembership): Promise<boolean> => {
  const inserted = await tx.run(sql`
    WITH started AS (
      INSERT INTO memberships AS m (account_id, realm, role, administrator, state, origin)
      VALUES (${by.accountId}, ${by.realm}, ${by.grant?.role ?? null}::text, ${by.grant?.administrator ?? false}::boolean,
              ${by.state}, ${by.origin})
      ON CONFLICT (account_id, realm) DO UPDATE SET
        role = excluded.role, administrator = excluded.administrator, state = excluded.state, origin = excluded.origin,
        since = now(), changed_at = now(), version = m.version + 1
        WHERE m.state = 'removed'
      RETURNING account_id, since
    ), raised AS (
      UPDATE accounts a SET sequence = a.sequence + jsonb_array_length(${by.events}::jsonb)
        FROM started WHERE a.id = started.account_id
      RETURNING a.*, started.since
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind)
      SELECT ${by.mailId}::uuid, id, ${by.realm}::text, ${by.origin === 'added' ? 'added' : 'joined'}::text FROM raised
       WHERE email_verified_at IS NOT NULL
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.realm}::text, ${by.action}::text, ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512) FROM raised
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM raised r JOIN tenants t ON t.id = r.tenant_id, events_of(r.id, r.sequence, jsonb_set(${by.events}::jsonb, '{0,data}',
        ${by.events}::jsonb->0->'data' || jsonb_build_object('number', r.number, 'tenant', t.name, 'username', r.username,
          'email', r.email, 'displayName', r.display_name, 'createdAt', r.created_at, 'since', r.since))) e
    )
    SELECT FROM started`)
  return inserted === 1
}

/** What of an account a realm has to know before it is a member; `state` is null until then. */
export const findStanding = (db: Queryable, accountId: string, realm: string) =>
  db.maybe(sql<{
    tenantName: string
    email: string | null
    emailVerified: boolean
    displayName: string | null
    revision: number
    state: MembershipState | null
  }>`
    SELECT d."tenantName", d.revision, d.email, d."emailVerified", d."displayName", m.state
      FROM account_details d LEFT JOIN memberships m ON m.account_id = d.id AND m.realm = ${realm}
     WHERE d.id = ${accountId}`)

interface Change {
  accountId: string
  realm: string
  until: Date
  eventId: string
}

/** Gives a role and raises the membership's version, so that tokens with the former role are refused. */
export const setRole = (tx: Queryable, by: Change & Grant) =>
  tx.run(sql`
    WITH granted AS (
      UPDATE memberships SET role = ${by.role}, administrator = ${by.administrator}, version = version + 1, changed_at = now()
       WHERE account_id = ${by.accountId} AND realm = ${by.realm} AND state <> 'removed'
      RETURNING account_id, version
    ), raised AS (
      UPDATE accounts a SET revision = a.revision + 1, sequence = a.sequence + 1, updated_at = now()
        FROM granted WHERE a.id = granted.account_id
      RETURNING a.id, a.version + granted.version AS version, a.sequence
    ), revoked AS (
      INSERT INTO revocations (account_id, realm, minimum_version, until)
      SELECT id, ${by.realm}::text, version, ${by.until}::timestamptz FROM raised
    )
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    SELECT ${by.eventId}::uuid, id, sequence, 'membership.role_changed',
           jsonb_build_object('realm', ${by.realm}::text, 'role', ${by.role}::text) FROM raised`)

/** Lets a member sign in or not. Deactivating ends the sessions of this realm, and no others. */
export const setActive = (tx: Queryable, by: Change & { active: boolean }) =>
  tx.run(sql`
    WITH changed AS (
      UPDATE memberships SET state = CASE WHEN ${by.active}::boolean THEN 'active' ELSE 'inactive' END,
             version = version + 1, changed_at = now()
       WHERE account_id = ${by.accountId} AND realm = ${by.realm} AND state <> 'removed' AND (state = 'active') <> ${by.active}::boolean
      RETURNING account_id, version
    ), raised AS (
      UPDATE accounts a SET revision = a.revision + 1, sequence = a.sequence + 1, updated_at = now()
        FROM changed WHERE a.id = changed.account_id
      RETURNING a.id, a.version + changed.version AS version, a.sequence
    ), ended AS (
      UPDATE sessions s SET ended_at = now(), end_reason = 'deactivated' FROM changed
       WHERE s.account_id = changed.account_id AND s.contract = ${by.realm} AND s.ended_at IS NULL AND NOT ${by.active}::boolean
    ), revoked AS (
      INSERT INTO revocations (account_id, realm, minimum_version, until)
      SELECT id, ${by.realm}::text, version, ${by.until}::timestamptz FROM raised
    )
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    SELECT ${by.eventId}::uuid, id, sequence, CASE WHEN ${by.active}::boolean THEN 'membership.activated' ELSE 'membership.deactivated' END,
           jsonb_build_object('realm', ${by.realm}::text) FROM raised`)

/**
 * Ends a membership: nothing of the person stays with it but that it was removed. Its sessions, codes and links end. Gives how many
 * other realms the account is still a member of; undefined when it was no member.
 */
export const removeMembership = (tx: Queryable, by: Change) =>
  tx.maybe(sql<{ others: number }>`
    WITH removed AS (
      UPDATE memberships SET state = 'removed', role = NULL, administrator = false, version = version + 1, changed_at = now()
       WHERE account_id = ${by.accountId} AND realm = ${by.realm} AND state <> 'removed'
      RETURNING account_id, version, since
    ), raised AS (
      UPDATE accounts a SET revision = a.revision + 1, sequence = a.sequence + 1, updated_at = now()
        FROM removed WHERE a.id = removed.account_id
      RETURNING a.id, a.version + removed.version AS version, a.sequence, removed.since
    ), ended AS (
      UPDATE sessions s SET ended_at = now(), end_reason = 'removed' FROM removed
       WHERE s.account_id = removed.account_id AND s.contract = ${by.realm} AND s.ended_at IS NULL
    ), challenges AS (
      UPDATE mfa_codes c SET revoked_at = now() FROM removed
       WHERE c.account_id = removed.account_id AND c.contract = ${by.realm} AND c.used_at IS NULL AND c.revoked_at IS NULL
    ), links AS (
      UPDATE verification_tokens v SET revoked_at = now() FROM removed
       WHERE v.account_id = removed.account_id AND v.contract = ${by.realm} AND v.used_at IS NULL AND v.revoked_at IS NULL
    ), revoked AS (
      INSERT INTO revocations (account_id, realm, minimum_version, until)
      SELECT id, ${by.realm}::text, version, ${by.until}::timestamptz FROM raised
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT ${by.eventId}::uuid, id, sequence, 'membership.ended',
             jsonb_build_object('realm', ${by.realm}::text, 'since', since) FROM raised
    )
    SELECT (SELECT count(*) FROM memberships m
             WHERE m.account_id = removed.account_id AND m.realm <> ${by.realm} AND m.state <> 'removed') AS others
      FROM removed`)

/**
 * The realms whose last active administrator this account is. Locks every administrator's membership of those realms first, in one
 * order, so that two administrators cannot remove each other at once.
 */
export const realmsAdministeredAlone = async (tx: Queryable, accountId: string): Promise<{ realm: string }[]> => {
  await tx.run(sql`
    SELECT account_id FROM memberships
     WHERE administrator AND realm IN (SELECT realm FROM memberships WHERE account_id = ${accountId} AND administrator)
     ORDER BY realm, account_id FOR UPDATE`)
  // A statement of its own: one that waited for those locks would still see the memberships as they were before.
  return tx.many(sql<{ realm: string }>`
    SELECT m.realm
      FROM memberships mine
      JOIN memberships m ON m.realm = mine.realm AND m.administrator
     WHERE mine.account_id = ${accountId} AND mine.administrator AND (m.state = 'active' OR m.account_id = ${accountId})
     GROUP BY m.realm HAVING count(*) = 1`)
}

/** Those of the accounts that are active members of the realm. */
export const findActive = async (db: Queryable, accountIds: readonly string[], realm: string): Promise<string[]> =>
  (
    await db.many(sql<{ id: string }>`
      SELECT account_id AS id FROM memberships
       WHERE account_id = ANY(${[...accountIds]}::uuid[]) AND realm = ${realm} AND state = 'active'`)
  ).map(({ id }) => id)

export const hasAdministrator = async (db: Queryable, realm: string): Promise<boolean> => {
  const { found } = await db.one(sql<{ found: boolean }>`
    SELECT EXISTS (SELECT 1 FROM memberships WHERE realm = ${realm} AND administrator) AS found`)
  return found
}
