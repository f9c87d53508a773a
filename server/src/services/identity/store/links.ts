import { type Queryable, sql } from '../../../platform/db/database.ts'
import { linksPerAddress } from '../limits.ts'
import type { MailKind } from '../mails/kinds.ts'
import type { AccountRow } from './accounts.ts'
import type { Origin } from './activities.ts'

export type LinkType = 'email_verification' | 'password_reset' | 'address_change' | 'address_undo'

interface NewLink extends Origin {
  id: string
  accountId: string
  contract: string
  type: LinkType
  expiresAt: Date
  mailId: string
  /** Links of this type that the account may be mailed in an hour. */
  perHour: number
  /** The address to prove, when it is another one than the account's. */
  newEmail?: string
  /** What the mail is, when it is not just that of the type. */
  mailKind?: MailKind
  events: string
  activity: string | null
}

/**
 * Records a link and its mail, unless the account was mailed too many within the hour. The account's row has to be locked in the
 * transaction already, or two requests at once would count past each other. False when nothing is mailed.
 */
export const insertLink = async (tx: Queryable, by: NewLink): Promise<boolean> => {
  const inserted = await tx.run(sql`
    WITH account AS (
      UPDATE accounts SET sequence = sequence + jsonb_array_length(${by.events}::jsonb)
       WHERE id = ${by.accountId} AND (email IS NOT NULL OR ${by.newEmail ?? null}::text IS NOT NULL)
         AND (SELECT count(*) FROM verification_tokens WHERE account_id = ${by.accountId} AND token_type = ${by.type}
               AND created_at > now() - interval '1 hour') < ${by.perHour}
         AND (SELECT count(*) FROM verification_tokens
               WHERE lower(email) = lower(coalesce(${by.newEmail ?? null}::text, accounts.email))
                 AND created_at > now() - interval '1 hour') < ${linksPerAddress}
      RETURNING id, tenant_id, email, sequence
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind, challenge_id)
      SELECT ${by.mailId}::uuid, id, ${by.contract}::text,
             ${by.mailKind ?? (by.type === 'password_reset' ? 'reset_password' : 'verify_email')}::text, ${by.id}::uuid FROM account
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.contract}::text, ${by.activity}::text, ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512)
        FROM account WHERE ${by.activity}::text IS NOT NULL
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM account, events_of(account.id, account.sequence, ${by.events}::jsonb) e
    )
    INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at)
    SELECT ${by.id}::uuid, id, ${by.contract}::text, ${by.type}::text, coalesce(${by.newEmail ?? null}::text, email),
           ${by.expiresAt}::timestamptz FROM account`)
  return inserted === 1
}

/**
 * A link that is mailed to nobody: for somebody who has just shown the password against that revision of the account, and for an
 * operator. To choose a password, or with `newEmail` to move there; it proves no address. False when the account has changed since.
 */
export const insertTicket = async (
  db: Queryable,
  by: { id: string; accountId: string; revision: number; contract: string; expiresAt: Date; newEmail?: string },
): Promise<boolean> =>
  (await db.run(sql`
    INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at)
    SELECT ${by.id}::uuid, id, ${by.contract}::text, ${by.newEmail === undefined ? 'password_reset' : 'address_change'}::text,
           ${by.newEmail ?? ''}::text, ${by.expiresAt}::timestamptz
      FROM accounts WHERE id = ${by.accountId} AND revision = ${by.revision}`)) === 1

export type LinkRow = AccountRow & {
  linkEmail: string
  used: boolean
  over: boolean
  details: Readonly<Record<string, unknown>>
}

/** A link of the contract with its account, whatever its state. */
export const findLink = (db: Queryable, by: { id: string; type: LinkType; contract: string }) =>
  db.maybe(sql<LinkRow>`
    SELECT d.*, v.email AS "linkEmail", v.details, v.used_at IS NOT NULL AS used,
           v.revoked_at IS NOT NULL OR v.expires_at <= now() AS over
      FROM verification_tokens v
      JOIN member_details d ON d.id = v.account_id AND d.realm = v.contract
     WHERE v.id = ${by.id} AND v.token_type = ${by.type} AND v.contract = ${by.contract}`)

interface UsedLink extends Origin {
  id: string
  contract: string
  events: string
}

/**
 * Uses a link up and marks the account's address proven. A username that was the address becomes the id where another account goes by
 * it. Undefined when somebody else was first, the account has another address by now, or this one is kept for whoever may take it back.
 */
export const useVerification = (db: Queryable, by: UsedLink & { enrol: boolean }) =>
  db.maybe(sql<{ id: string }>`
    WITH used AS (
      UPDATE verification_tokens v SET used_at = now()
       WHERE id = ${by.id} AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()
         AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = v.account_id AND lower(a.email) = lower(v.email))
         AND NOT EXISTS (SELECT 1 FROM verification_tokens kept JOIN accounts k ON k.id = kept.account_id
                          WHERE kept.token_type = 'address_undo' AND lower(kept.email) = lower(v.email) AND kept.account_id <> v.account_id
                            AND k.tenant_id = (SELECT tenant_id FROM accounts WHERE id = v.account_id)
                            AND kept.used_at IS NULL AND kept.revoked_at IS NULL AND kept.expires_at > now())
      RETURNING account_id, email
    ), proven AS (
      UPDATE accounts a SET email_verified_at = now(), username = CASE WHEN a.username = a.id::text
                AND NOT EXISTS (SELECT 1 FROM accounts o
                                 WHERE o.tenant_id = a.tenant_id AND lower(o.username) = lower(used.email) AND o.id <> a.id)
               THEN used.email ELSE a.username END,
             second_factor = a.second_factor OR ${by.enrol}::boolean,
             sequence = a.sequence + jsonb_array_length(${by.events}::jsonb), updated_at = now()
        FROM used WHERE a.id = used.account_id
      RETURNING a.id, a.tenant_id, a.email, a.sequence
    ), superseded AS (
      UPDATE verification_tokens v SET revoked_at = now() FROM proven
       WHERE v.account_id = proven.id AND v.token_type = 'email_verification'
         AND v.id <> ${by.id} AND v.used_at IS NULL AND v.revoked_at IS NULL
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.contract}::text, 'verify_email', ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512) FROM proven
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM proven, events_of(proven.id, proven.sequence, ${by.events}::jsonb) e
    )
    SELECT id FROM proven`)

interface NewPassword extends UsedLink {
  passwordHash: string
  until: Date
  mailId: string
}

/**
 * Uses a reset link up and sets the password: every session ends, every older token is refused, wrong passwords are forgotten,
 * the address counts as proven since the link was mailed to it. Other links end too: whoever held the account before must not
 * finish a change of its address afterwards. Only those stay that take the account back, or whoever moved it would end them by this.
 * Undefined when somebody else was first. The account's row has to be locked in the transaction already, or a session that is just
 * being opened with the old password would not be seen.
 */
export const useReset = (db: Queryable, by: NewPassword) =>
  db.maybe(sql<{ id: string }>`
    WITH used AS (
      UPDATE verification_tokens SET used_at = now()
       WHERE id = ${by.id} AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()
      RETURNING account_id, email
    ), changed AS (
      UPDATE accounts a SET password_hash = ${by.passwordHash}::text, password_realm = ${by.contract}, version = a.version + 1, revision = a.revision + 1,
             email_verified_at = CASE WHEN lower(a.email) = lower(used.email) THEN coalesce(a.email_verified_at, now()) ELSE a.email_verified_at END,
             sequence = a.sequence + jsonb_array_length(${by.events}::jsonb), updated_at = now()
        FROM used WHERE a.id = used.account_id
      RETURNING a.id, a.tenant_id, a.version, a.sequence
    ), superseded AS (
      UPDATE verification_tokens v SET revoked_at = now() FROM changed
       WHERE v.account_id = changed.id AND v.id <> ${by.id} AND v.token_type <> 'address_undo' AND v.used_at IS NULL AND v.revoked_at IS NULL
    ), challenges AS (
      UPDATE mfa_codes m SET revoked_at = now() FROM changed
       WHERE m.account_id = changed.id AND m.used_at IS NULL AND m.revoked_at IS NULL
    ), ended AS (
      UPDATE sessions s SET ended_at = now(), end_reason = 'password_changed' FROM changed
       WHERE s.account_id = changed.id AND s.ended_at IS NULL
    ), revoked AS (
      INSERT INTO revocations (account_id, realm, minimum_version, until)
      SELECT c.id, m.realm, c.version + m.version, ${by.until}::timestamptz FROM changed c JOIN memberships m ON m.account_id = c.id
    ), forgotten AS (
      DELETE FROM sign_in_counters c USING changed WHERE c.account_id = changed.id
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind)
      SELECT ${by.mailId}::uuid, id, ${by.contract}::text, 'password_changed' FROM changed
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.contract}::text, 'reset_password', ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512) FROM changed
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM changed, events_of(changed.id, changed.sequence, ${by.events}::jsonb) e
    )
    SELECT id FROM changed`)

interface ChangedPassword extends Origin {
  accountId: string
  /** The revision that the old password was checked against. */
  revision: number
  passwordHash: string
  /** The session that stays. */
  sessionId: string
  contract: string
  until: Date
  mailId: string
  counter: Buffer
}

/**
 * Sets a password that its owner changed: every other session ends, and a change of address under way; what takes the account back
 * stays. False when the account changed or a lock began while the present password was checked. The account's row has to be locked
 * already, as for a reset.
 */
export const changePassword = async (db: Queryable, by: ChangedPassword): Promise<boolean> => {
  const { changed } = await db.one(sql<{ changed: boolean }>`
    WITH changed AS (
      UPDATE accounts SET password_hash = ${by.passwordHash}, password_realm = ${by.contract}, version = version + 1, revision = revision + 1, updated_at = now()
       WHERE id = ${by.accountId} AND revision = ${by.revision}
         AND EXISTS (SELECT 1 FROM memberships WHERE account_id = ${by.accountId} AND realm = ${by.contract} AND state = 'active')
         AND NOT EXISTS (SELECT 1 FROM sign_in_counters WHERE key = ${by.counter} AND locked_until > now())
      RETURNING id, tenant_id, email, email_verified_at
    ), ended AS (
      UPDATE sessions s SET ended_at = now(), end_reason = 'password_changed' FROM changed
       WHERE s.account_id = changed.id AND s.ended_at IS NULL AND s.id <> ${by.sessionId}
      RETURNING s.id
    ), revoked AS (
      INSERT INTO revocations (session_id, until) SELECT id, ${by.until}::timestamptz FROM ended
    ), challenges AS (
      UPDATE mfa_codes m SET revoked_at = now() FROM changed
       WHERE m.account_id = changed.id AND m.used_at IS NULL AND m.revoked_at IS NULL
    ), links AS (
      UPDATE verification_tokens v SET revoked_at = now() FROM changed
       WHERE v.account_id = changed.id AND (v.token_type = 'password_reset' OR lower(v.email) IS DISTINCT FROM lower(changed.email))
         AND v.token_type <> 'address_undo' AND v.used_at IS NULL AND v.revoked_at IS NULL
    ), forgotten AS (
      DELETE FROM sign_in_counters WHERE key = ${by.counter} AND EXISTS (SELECT 1 FROM changed)
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind)
      SELECT ${by.mailId}::uuid, id, ${by.contract}::text, 'password_changed' FROM changed WHERE email_verified_at IS NOT NULL
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.contract}::text, 'change_password', ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512) FROM changed
    )
    SELECT EXISTS (SELECT 1 FROM changed) AS changed`)
  return changed
}

/**
 * The account of each tenant that mail to this address may recover, if it is an active member: whose the address is proven to be, in
 * whichever realm, else the member who is named by it.
 */
export const findRecoverable = (
  db: Queryable,
  by: { email: string; tenant: string | undefined; realm: string; limit: number },
) =>
  db.many(sql<AccountRow>`
    SELECT m.* FROM member_details m
     WHERE lower(m.email) = lower(${by.email}) AND m.active AND m.realm = ${by.realm}
       AND (m."emailVerified" OR lower(m.username) = lower(${by.email}) AND NOT EXISTS (
         SELECT 1 FROM accounts a WHERE a.tenant_id = m."tenantId" AND lower(a.email) = lower(${by.email}) AND a.email_verified_at IS NOT NULL))
       AND (${by.tenant ?? null}::text IS NULL OR lower(m."tenantName") = lower(${by.tenant ?? null}))
     ORDER BY m."tenantNumber" LIMIT ${by.limit}`)
