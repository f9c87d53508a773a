import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { Origin } from './activities.ts'

/**
 * Takes an address from the accounts of the tenant that claim it and never proved it, for whoever proves it now: they keep password and
 * data, go by their id, and have no address.
 */
export const yieldAddress = (tx: Queryable, by: { accountId: string; email: string }) =>
  tx.run(sql`
    UPDATE accounts o SET email = NULL, revision = o.revision + 1, updated_at = now(),
           username = CASE WHEN lower(o.username) = lower(${by.email}) THEN o.id::text ELSE o.username END
      FROM accounts a
     WHERE a.id = ${by.accountId} AND o.tenant_id = a.tenant_id AND o.id <> a.id AND o.email_verified_at IS NULL
       AND (lower(o.email) = lower(${by.email}) OR lower(o.username) = lower(${by.email}))`)

interface Used extends Origin {
  id: string
  contract: string
  until: Date
}

interface Changed extends Used {
  /** The link that takes it back, mailed to the address before if that was proven. */
  undo: { id: string; mailId: string; expiresAt: Date; byCode: boolean }
}

/**
 * Uses a link to a new address up: it is the account's and proven, a username that was the address follows (or becomes the id where
 * another account goes by it), other links end, tokens of all realms are refused. Undefined when somebody else was first, or when the
 * address is kept for whoever may still take it back. The account's row has to be locked in the transaction already.
 */
export const changeAddress = (tx: Queryable, by: Changed) =>
  tx.maybe(sql<{ id: string }>`
    WITH used AS (
      UPDATE verification_tokens v SET used_at = now()
       WHERE id = ${by.id} AND token_type = 'address_change' AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()
         AND NOT EXISTS (SELECT 1 FROM verification_tokens kept JOIN accounts k ON k.id = kept.account_id
                          WHERE kept.token_type = 'address_undo' AND lower(kept.email) = lower(v.email) AND kept.account_id <> v.account_id
                            AND k.tenant_id = (SELECT tenant_id FROM accounts WHERE id = v.account_id)
                            AND kept.used_at IS NULL AND kept.revoked_at IS NULL AND kept.expires_at > now())
      RETURNING account_id, email
    ), before AS (
      SELECT a.* FROM accounts a JOIN used ON a.id = used.account_id
    ), changed AS (
      UPDATE accounts a SET email = used.email, email_verified_at = now(),
             username = CASE WHEN lower(a.username) IS DISTINCT FROM lower(a.email) THEN a.username
               WHEN EXISTS (SELECT 1 FROM accounts o
                             WHERE o.tenant_id = a.tenant_id AND lower(o.username) = lower(used.email) AND o.id <> a.id)
                 OR EXISTS (SELECT 1 FROM retired_usernames r
                             WHERE r.tenant_id = a.tenant_id AND r.username_hash = sha256(convert_to(lower(used.email), 'UTF8')))
               THEN a.id::text ELSE used.email END,
             version = a.version + 1, revision = a.revision + 1, updated_at = now()
        FROM used WHERE a.id = used.account_id
      RETURNING a.id, a.tenant_id, a.version
    ), undo AS (
      INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at, details)
      SELECT ${by.undo.id}::uuid, id, ${by.contract}::text, 'address_undo', email, ${by.undo.expiresAt}::timestamptz,
             jsonb_build_object('username', username, 'secondFactor', second_factor, 'byCode', ${by.undo.byCode}::boolean)
        FROM before WHERE email_verified_at IS NOT NULL
      RETURNING id, account_id
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind, challenge_id)
      SELECT ${by.undo.mailId}::uuid, account_id, ${by.contract}::text, 'address_changed', id FROM undo
    ), superseded AS (
      UPDATE verification_tokens v SET revoked_at = now() FROM changed
       WHERE v.account_id = changed.id AND v.token_type <> 'address_undo' AND v.id <> ${by.id}
         AND v.used_at IS NULL AND v.revoked_at IS NULL
    ), challenges AS (
      UPDATE mfa_codes m SET revoked_at = now() FROM changed
       WHERE m.account_id = changed.id AND m.used_at IS NULL AND m.revoked_at IS NULL
    ), revoked AS (
      INSERT INTO revocations (account_id, realm, minimum_version, until)
      SELECT c.id, m.realm, c.version + m.version, ${by.until}::timestamptz FROM changed c JOIN memberships m ON m.account_id = c.id
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.contract}::text, 'change_address', ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512) FROM changed
    )
    SELECT id FROM changed`)

/**
 * Uses an undo up, if it is the oldest of its account: address, name and second factor are what they were, every session, link and code
 * ends, and devices that were seen since are known no more. Undefined when it is not, or somebody else was first.
 */
export const undoAddress = (tx: Queryable, by: Used) =>
  tx.maybe(sql<{ id: string }>`
    WITH used AS (
      UPDATE verification_tokens v SET used_at = now()
       WHERE id = ${by.id} AND token_type = 'address_undo' AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()
         AND NOT EXISTS (SELECT 1 FROM verification_tokens older
                          WHERE older.account_id = v.account_id AND older.token_type = 'address_undo' AND older.id < v.id
                            AND older.used_at IS NULL AND older.revoked_at IS NULL AND older.expires_at > now())
      RETURNING account_id, email, details, created_at
    ), undone AS (
      UPDATE accounts a SET email = used.email, email_verified_at = now(), second_factor = (used.details->>'secondFactor')::boolean,
             username = CASE WHEN lower(a.username) IN (lower(a.email), a.id::text)
                AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.tenant_id = a.tenant_id AND o.id <> a.id
                                   AND lower(o.username) = lower(used.details->>'username'))
               THEN used.details->>'username' ELSE a.username END,
             version = a.version + 1, revision = a.revision + 1, updated_at = now()
        FROM used WHERE a.id = used.account_id
      RETURNING a.id, a.tenant_id, a.version, used.created_at
    ), ended AS (
      UPDATE sessions s SET ended_at = now(), end_reason = 'address_undone' FROM undone
       WHERE s.account_id = undone.id AND s.ended_at IS NULL
    ), challenges AS (
      UPDATE mfa_codes m SET revoked_at = now() FROM undone
       WHERE m.account_id = undone.id AND m.used_at IS NULL AND m.revoked_at IS NULL
    ), links AS (
      UPDATE verification_tokens v SET revoked_at = now() FROM undone
       WHERE v.account_id = undone.id AND v.id <> ${by.id} AND v.used_at IS NULL AND v.revoked_at IS NULL
    ), devices AS (
      DELETE FROM known_devices k USING undone WHERE k.account_id = undone.id AND k.seen_at >= undone.created_at
    ), revoked AS (
      INSERT INTO revocations (account_id, realm, minimum_version, until)
      SELECT u.id, m.realm, u.version + m.version, ${by.until}::timestamptz FROM undone u JOIN memberships m ON m.account_id = u.id
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.contract}::text, 'undo_address', ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512) FROM undone
    )
    SELECT id FROM undone`)
