import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { AccountRow } from './accounts.ts'
import type { MembershipState } from './memberships.ts'

interface NewChallenge {
  id: string
  accountId: string
  revision: number
  contract: string
  tokenHash: Buffer
  counter: Buffer
  /** The account's counter of wrong codes, when it is asked. */
  codes: Buffer | undefined
  expiresAt: Date
  mailId: string
  upgradedHash: string | undefined
}

/**
 * Begins a second factor: earlier challenges of the account in the contract end, the new code is mailed. False when the account
 * changed or a lock began while the password was checked.
 */
export const insertChallenge = async (db: Queryable, by: NewChallenge): Promise<boolean> => {
  const inserted = await db.run(sql`
    WITH account AS (
      SELECT id FROM accounts WHERE id = ${by.accountId} AND revision = ${by.revision}
         AND NOT EXISTS (SELECT 1 FROM sign_in_counters WHERE key IN (${by.counter}, ${by.codes ?? null}::bytea) AND locked_until > now())
    ), upgraded AS (
      UPDATE accounts SET password_hash = ${by.upgradedHash ?? null}::text
       WHERE id = (SELECT id FROM account) AND revision = ${by.revision} AND ${by.upgradedHash ?? null}::text IS NOT NULL
    ), ended AS (
      UPDATE mfa_codes SET revoked_at = now()
       WHERE account_id = (SELECT id FROM account) AND contract = ${by.contract} AND used_at IS NULL AND revoked_at IS NULL
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind, challenge_id)
      SELECT ${by.mailId}::uuid, id, ${by.contract}::text, 'mfa_code', ${by.id}::uuid FROM account
    )
    INSERT INTO mfa_codes (id, account_id, contract, session_token_hash, revision, counter, expires_at)
    SELECT ${by.id}::uuid, id, ${by.contract}::text, ${by.tokenHash}::bytea, ${by.revision}::int, ${by.counter}::bytea,
           ${by.expiresAt}::timestamptz FROM account`)
  return inserted === 1
}

export type ChallengeRow = AccountRow & {
  state: MembershipState | null
  challengeId: string
  challengeRevision: number
  counter: Buffer
  attempts: number
  anyDeviceKnown: boolean
  deviceKnown: boolean
}

/**
 * Takes one of a challenge's attempts before the code is looked at, so that guesses sent at once share the same few. The last
 * attempt also ends the challenge for everybody after it. Undefined when there is none left, or no such challenge.
 */
export const takeAttempt = (
  db: Queryable,
  by: { tokenHash: Buffer; contract: string; most: number; devices: readonly Buffer[] },
) =>
  db.maybe(sql<ChallengeRow>`
    WITH taken AS (
      UPDATE mfa_codes SET attempts = attempts + 1
       WHERE session_token_hash = ${by.tokenHash} AND contract = ${by.contract} AND used_at IS NULL AND revoked_at IS NULL
         AND expires_at > now() AND attempts < ${by.most}
      RETURNING *
    )
    SELECT d.*, m.role, m.state, m.state = 'active' AS active, d."accountVersion" + coalesce(m.version, 0) AS version,
           taken.id AS "challengeId", taken.revision AS "challengeRevision", taken.counter, taken.attempts,
           EXISTS (SELECT 1 FROM known_devices WHERE account_id = d.id) AS "anyDeviceKnown",
           EXISTS (SELECT 1 FROM known_devices WHERE account_id = d.id AND key = ANY(${by.devices}::bytea[])) AS "deviceKnown"
      FROM taken JOIN account_details d ON d.id = taken.account_id
      LEFT JOIN memberships m ON m.account_id = d.id AND m.realm = taken.contract`)

/** Uses a challenge up whose code was right. False when somebody else was first, or it is over. */
export const useChallenge = async (db: Queryable, id: string): Promise<boolean> =>
  (await db.run(sql`
    UPDATE mfa_codes SET used_at = now()
     WHERE id = ${id} AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()`)) === 1

export const endChallenge = (db: Queryable, id: string) =>
  db.run(sql`UPDATE mfa_codes SET revoked_at = now() WHERE id = ${id} AND used_at IS NULL AND revoked_at IS NULL`)
