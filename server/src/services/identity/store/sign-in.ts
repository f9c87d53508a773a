import { type Queryable, sql } from '../../../platform/db/database.ts'
import type { MailKind } from '../mails/kinds.ts'
import type { AccountRow } from './accounts.ts'
import type { Origin } from './activities.ts'
import type { MembershipState } from './memberships.ts'

/** Devices and IP prefixes that an account has known at most: clients that keep no cookie are a new one at each sign-in. */
const mostDevices = 50

/** What a sign-in has to know; the account's fields are null for an identifier that nobody has. */
export type Credentials = { [Field in keyof AccountRow]: AccountRow[Field] | null } & {
  /** What the account is in the realm; null: no member, and none that was removed. */
  state: MembershipState | null
  passwordHash: string | null
  /** The realm whose rule it was held to; null: unknown. */
  passwordRealm: string | null
  /** The counter that this device's failures go to. */
  counter: Buffer
  lockedUntil: Date | null
  /** Until when devices without a cookie of ours are refused in every realm; null: they are not. */
  lockedEverywhereUntil: Date | null
  /** True when a sign-in of this account succeeded from this device or IP prefix before. */
  deviceKnown: boolean
  /** True when it did from this very device. */
  cookieKnown: boolean
  /** True when any did. */
  anyDeviceKnown: boolean
}

export interface Identification {
  tenant: string
  identifier: string
  /** True when a proven address is as good as the username. */
  byEmail: boolean
  contract: string
  device: { device: Buffer; ipPrefix: Buffer }
  counters: { device: Buffer; ipPrefix: Buffer; unknownDevices: Buffer }
}

/** Round trip 1 of a sign-in: one row whether account, device and counter exist or not. */
export const findCredentials = (db: Queryable, by: Identification) =>
  db.one(sql<Credentials>`
    SELECT d.*, m.role, m.state, m.state = 'active' AS active, d."accountVersion" + coalesce(m.version, 0) AS version,
           p.password_hash AS "passwordHash", p.password_realm AS "passwordRealm", k.counter, c.locked_until AS "lockedUntil",
           w.locked_until AS "lockedEverywhereUntil", k.counter <> ${by.counters.unknownDevices}::bytea AS "deviceKnown",
           k.counter = ${by.counters.device}::bytea AS "cookieKnown",
           EXISTS (SELECT 1 FROM known_devices WHERE account_id = d.id) AS "anyDeviceKnown"
      FROM (VALUES (1)) AS always
      LEFT JOIN tenants t ON lower(t.name) = lower(${by.tenant})
      LEFT JOIN LATERAL (
        SELECT * FROM account_details
         WHERE ${by.byEmail}::boolean AND "tenantId" = t.id AND lower(email) = lower(${by.identifier}) AND "emailVerified"
        UNION ALL
        SELECT * FROM account_details WHERE "tenantId" = t.id AND lower(username) = lower(${by.identifier})
        LIMIT 1) d ON true
      LEFT JOIN accounts p ON p.id = d.id
      LEFT JOIN memberships m ON m.account_id = d.id AND m.realm = ${by.contract}
      CROSS JOIN LATERAL (
        SELECT CASE
          WHEN EXISTS (SELECT 1 FROM known_devices WHERE account_id = d.id AND key = ${by.device.device}) THEN ${by.counters.device}::bytea
          WHEN EXISTS (SELECT 1 FROM known_devices WHERE account_id = d.id AND key = ${by.device.ipPrefix}) THEN ${by.counters.ipPrefix}::bytea
          ELSE ${by.counters.unknownDevices}::bytea END AS counter) k
      LEFT JOIN sign_in_counters c ON c.key = k.counter AND c.expires_at > now()
      LEFT JOIN sign_in_counters w ON w.key = account_counter(d.id) AND w.expires_at > now()`)

interface Refused extends Origin {
  counter: Buffer
  contract: string
  lockout: { failures: number; seconds: number }
  /** 1 for a failure; 0 for what is refused and counts as none, which costs the same statement. */
  increment: 0 | 1
  /** False for what another counter's failure logs already: then only a lock is logged. */
  logged: boolean
  accountId: string | null
  /** The mail that tells of a lock. */
  mail: { id: string; kind: MailKind }
  /** What the failures of devices without a cookie of ours add up to over all realms; absent where this one does not count for it. */
  everywhere: { failures: number; seconds: number; mailId: string } | undefined
  /** JSON of the events that tell of a lock. */
  lockEvents: string
}

/**
 * Records a refused sign-in. Counting starts anew when the counter has expired; a lock begins when the count reaches the limit,
 * is told to the owner once, and is not prolonged by further failures. `locked` says that one began, `refusesAll` that there is one.
 */
export const recordFailure = (db: Queryable, by: Refused) =>
  db.one(sql<{ locked: boolean; refusesAll: boolean }>`
    WITH counted AS (
      INSERT INTO sign_in_counters AS c (key, contract, account_id, failures, locked_until, expires_at)
      VALUES (${by.counter}, ${by.contract}, ${by.accountId}::uuid, ${by.increment}::int,
              CASE WHEN ${by.increment}::int >= ${by.lockout.failures}::int THEN now() + make_interval(secs => ${by.lockout.seconds}) END,
              now() + make_interval(secs => ${by.lockout.seconds}))
      ON CONFLICT (key) DO UPDATE SET
        account_id = excluded.account_id,
        failures = CASE WHEN c.expires_at <= now() THEN ${by.increment}::int ELSE least(c.failures, 1000000) + ${by.increment}::int END,
        locked_until = CASE
          WHEN c.expires_at <= now() THEN NULL
          WHEN c.locked_until > now() THEN c.locked_until
          WHEN c.failures + ${by.increment}::int >= ${by.lockout.failures}::int THEN now() + make_interval(secs => ${by.lockout.seconds}) END,
        expires_at = CASE WHEN c.expires_at > now() AND (c.locked_until > now() OR ${by.increment}::int = 0) THEN c.expires_at
          ELSE now() + make_interval(secs => ${by.lockout.seconds}) END
      RETURNING failures, locked_until
    ), everywhere AS (
      INSERT INTO sign_in_counters AS c (key, contract, account_id, failures, expires_at)
      SELECT account_counter(a.id), NULL, a.id, 1, now() + make_interval(secs => ${by.everywhere?.seconds ?? 0})
        FROM accounts a WHERE a.id = ${by.accountId} AND ${by.everywhere !== undefined}::boolean AND ${by.increment}::int = 1
      ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN c.expires_at <= now() THEN 1 ELSE least(c.failures, 1000000) + 1 END,
        locked_until = CASE WHEN c.expires_at <= now() THEN NULL
          WHEN c.failures + 1 >= ${by.everywhere?.failures ?? 0}::int THEN c.expires_at END,
        expires_at = CASE WHEN c.expires_at <= now() THEN excluded.expires_at ELSE c.expires_at END
      RETURNING account_id, failures
    ), told AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind)
      SELECT ${by.everywhere?.mailId ?? null}::uuid, a.id, ${by.contract}::text, 'locked_everywhere'
        FROM everywhere e JOIN accounts a ON a.id = e.account_id
       WHERE e.failures = ${by.everywhere?.failures ?? 0}::int AND a.email_verified_at IS NOT NULL
    ), locked AS (
      UPDATE accounts a SET sequence = a.sequence + jsonb_array_length(${by.lockEvents}::jsonb)
        FROM counted
       WHERE a.id = ${by.accountId} AND ${by.increment}::int = 1 AND counted.failures = ${by.lockout.failures}::int
      RETURNING a.id, a.tenant_id, a.sequence, a.email_verified_at
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind)
      SELECT ${by.mail.id}::uuid, id, ${by.contract}::text, ${by.mail.kind}::text FROM locked WHERE email_verified_at IS NOT NULL
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, details, ip, user_agent)
      SELECT a.id, a.tenant_id, ${by.contract}::text, 'login_failed',
             CASE WHEN EXISTS (SELECT 1 FROM locked) THEN '{"locked": true}'::jsonb ELSE '{}'::jsonb END,
             ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512)
        FROM accounts a, counted
       WHERE a.id = ${by.accountId} AND counted.failures <= ${by.lockout.failures}::int
         AND (${by.logged}::boolean OR EXISTS (SELECT 1 FROM locked))
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM locked, events_of(locked.id, locked.sequence, ${by.lockEvents}::jsonb) e
    )
    SELECT EXISTS (SELECT 1 FROM locked) AS locked, coalesce(locked_until > now(), false) AS "refusesAll" FROM counted`)

/** True when a lock holds now that may have begun since the counters were read. */
export const lockedMeanwhile = async (
  db: Queryable,
  by: { counter: Buffer; accountId: string; cookieKnown: boolean },
): Promise<boolean> => {
  const { locked } = await db.one(sql<{ locked: boolean }>`
    SELECT EXISTS (
      SELECT 1 FROM sign_in_counters WHERE locked_until > now()
         AND (key = ${by.counter} OR key = account_counter(${by.accountId}) AND NOT ${by.cookieKnown}::boolean)) AS locked`)
  return locked
}

/** Forgets the failures counted for an identifier and, whoever they came from, for its account: here and over all contracts. */
export const forgetFailures = (
  db: Queryable,
  by: { counter: Buffer; codes: Buffer | undefined; accountId: string | null; contract: string },
) =>
  db.run(sql`
    DELETE FROM sign_in_counters
     WHERE key IN (${by.counter}, ${by.codes ?? null}::bytea)
        OR (account_id = ${by.accountId} AND (contract = ${by.contract} OR contract IS NULL))`)

interface OpenedSession extends Origin {
  sessionId: string
  accountId: string
  /** The revision that the password was checked against: a change since then refuses the sign-in. */
  revision: number
  contract: string
  amr: readonly string[]
  /** The second factor's challenge, to be used up. */
  challengeId: string | undefined
  tokenHash: Buffer
  expiresAt: Date
  counter: Buffer
  /** The account's counter of wrong codes, when a code was right. */
  codes: Buffer | undefined
  /** Keys of the device and the IP prefix, known from now on. */
  devices: readonly Buffer[]
  /** The id of a mail that tells of a device not seen before. */
  newDeviceMailId: string | undefined
  /** A new hash of the same password, when the stored one was made with another function or cost. */
  upgradedHash: string | undefined
  events: string
}

/**
 * Round trip 2 of a sign-in, all of it in one statement: session, refresh token, counter, devices, activity, events, mail, hash
 * upgrade. False when the account changed meanwhile, the challenge was used by somebody else, or a lock began while the password
 * was checked: guesses that are under way at once must not get past it together.
 */
export const openSession = async (db: Queryable, by: OpenedSession): Promise<boolean> => {
  const opened = await db.run(sql`
    WITH challenge AS (
      UPDATE mfa_codes SET used_at = now()
       WHERE id = ${by.challengeId ?? null}::uuid AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now()
      RETURNING id
    ), counters AS (
      -- Before the account, as failures do, so that the two do not wait for each other; the lock is judged as it is then.
      SELECT key, locked_until FROM sign_in_counters
       WHERE key IN (${by.counter}, ${by.codes ?? null}::bytea) ORDER BY key FOR UPDATE
    ), account AS (
      UPDATE accounts SET last_login_at = now(), sequence = sequence + jsonb_array_length(${by.events}::jsonb),
             password_hash = coalesce(${by.upgradedHash ?? null}::text, password_hash)
        FROM (SELECT coalesce(bool_or(key = ${by.counter} AND locked_until > now()), false) AS locked FROM counters) c
       WHERE id = ${by.accountId} AND revision = ${by.revision}
         AND CASE WHEN ${by.challengeId ?? null}::uuid IS NULL THEN NOT c.locked ELSE EXISTS (SELECT 1 FROM challenge) END
      RETURNING id, tenant_id, sequence, email_verified_at
    ), forgotten AS (
      DELETE FROM sign_in_counters
       WHERE key IN (${by.counter}, ${by.codes ?? null}::bytea) AND EXISTS (SELECT 1 FROM account)
    ), devices AS (
      INSERT INTO known_devices AS k (account_id, key) SELECT id, unnest(${by.devices}::bytea[]) FROM account
      ON CONFLICT (account_id, key) DO UPDATE SET seen_at = now() WHERE k.seen_at < now() - interval '1 day'
    ), forgotten_devices AS (
      DELETE FROM known_devices WHERE (account_id, key) IN (
        SELECT account_id, key FROM known_devices WHERE account_id = ${by.accountId} ORDER BY seen_at DESC OFFSET ${mostDevices})
    ), mail AS (
      INSERT INTO mail_jobs (id, account_id, contract, kind)
      SELECT ${by.newDeviceMailId ?? null}::uuid, id, ${by.contract}::text, 'new_device' FROM account
       WHERE ${by.newDeviceMailId ?? null}::uuid IS NOT NULL AND email_verified_at IS NOT NULL
    ), activity AS (
      INSERT INTO activities (account_id, tenant_id, contract, action, ip, user_agent)
      SELECT id, tenant_id, ${by.contract}::text, 'login', ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512) FROM account
    ), recorded AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT e.* FROM account, events_of(account.id, account.sequence, ${by.events}::jsonb) e
    ), opened AS (
      INSERT INTO sessions (id, account_id, contract, ip, user_agent, expires_at, amr)
      SELECT ${by.sessionId}::uuid, id, ${by.contract}::text, ${by.ip}::inet, left(${by.userAgent ?? null}::text, 512),
             ${by.expiresAt}::timestamptz, ${by.amr}::text[] FROM account
      RETURNING id, expires_at
    )
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT ${by.tokenHash}::bytea, id, expires_at FROM opened`)
  return opened === 1
}
