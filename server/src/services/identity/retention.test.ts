import {
  idempotencyKeys,
  outbox,
  partitionsAtTheLimit,
  type Retention,
  testRetention,
} from '../../../tests/support/retention.ts'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import { pruning } from './index.ts'

const fresh = freshDatabase('identity retention', { service: 'identity' })

const accountId = newId()
const sessionId = newId()
const fixtures = [
  sql`INSERT INTO accounts (id, tenant_id, username) SELECT ${accountId}, id, 'ada' FROM tenants`,
  sql`INSERT INTO sessions (id, account_id, contract, expires_at) VALUES (${sessionId}, ${accountId}, 'test', now() + interval '1 day')`,
  partitionsAtTheLimit,
]

// Times are said by how far they are from now; null: never.
type At = string | null

const token = (at: { expires: At; replaced?: At; sealed?: boolean }) => (label: string) =>
  sql`
  INSERT INTO refresh_tokens (token_hash, session_id, expires_at, replaced_at, successor_sealed)
  VALUES (convert_to(${label}, 'UTF8'), ${sessionId}, now() + ${at.expires}::interval, now() + ${at.replaced ?? null}::interval,
          CASE WHEN ${at.sealed ?? false} THEN 'a seal'::bytea END)`
const seals: Retention = {
  kept: {
    'replaced just under the grace ago': token({ expires: '1 day', replaced: '-29.999999 seconds', sealed: true }),
  },
  gone: { 'replaced the grace ago': token({ expires: '1 day', replaced: '-30 seconds', sealed: true }) },
  left: () =>
    sql`SELECT convert_from(token_hash, 'UTF8') AS label FROM refresh_tokens WHERE successor_sealed IS NOT NULL`,
}
const refreshTokens: Retention = {
  kept: {
    'expired 7 days ago': token({ expires: '-7 days' }),
    'replaced long ago, and not expired': token({ expires: '1 second', replaced: '-400 days' }),
  },
  gone: { 'expired over 7 days ago': token({ expires: '-7 days -1 microsecond' }) },
  left: () => sql`SELECT convert_from(token_hash, 'UTF8') AS label FROM refresh_tokens`,
}

const session = (at: { created?: At; ended: At; expires: At }) => (label: string) =>
  sql`
  INSERT INTO sessions (id, account_id, contract, user_agent, created_at, ended_at, expires_at)
  VALUES (gen_random_uuid(), ${accountId}, 'test', ${label}, now() + ${at.created ?? '-500 days'}::interval, now() + ${at.ended}::interval,
          now() + ${at.expires}::interval)`
const sessions: Retention = {
  kept: {
    'open for long, and alive': session({ ended: null, expires: '1 second' }),
    'expired 30 days ago': session({ ended: null, expires: '-30 days' }),
    'ended 30 days ago': session({ ended: '-30 days', expires: '1 day' }),
    'expired long ago, and ended 30 days ago': session({ ended: '-30 days', expires: '-400 days' }),
  },
  gone: {
    'expired over 30 days ago': session({ ended: null, expires: '-30 days -1 microsecond' }),
    'ended over 30 days ago, when it was alive': session({ ended: '-30 days -1 microsecond', expires: '1 day' }),
  },
  left: () => sql`SELECT user_agent AS label FROM sessions WHERE user_agent IS NOT NULL`,
}

const link = (at: { expires: At; used?: At }) => (label: string) =>
  sql`
  INSERT INTO verification_tokens (id, account_id, contract, token_type, email, created_at, expires_at, used_at)
  VALUES (gen_random_uuid(), ${accountId}, 'test', 'password_reset', ${label}, now() - interval '400 days', now() + ${at.expires}::interval,
          now() + ${at.used ?? null}::interval)`
const links: Retention = {
  kept: {
    'expired 7 days ago': link({ expires: '-7 days' }),
    'used long ago, and not expired': link({ expires: '1 second', used: '-400 days' }),
  },
  gone: { 'expired over 7 days ago': link({ expires: '-7 days -1 microsecond' }) },
  left: () => sql`SELECT email AS label FROM verification_tokens`,
}

const challenge = (at: { expires: At; used?: At }) => (label: string) =>
  sql`
  INSERT INTO mfa_codes (id, account_id, contract, session_token_hash, revision, counter, created_at, expires_at, used_at)
  VALUES (gen_random_uuid(), ${accountId}, 'test', convert_to(${label}, 'UTF8'), 1, '', now() - interval '400 days',
          now() + ${at.expires}::interval, now() + ${at.used ?? null}::interval)`
const challenges: Retention = {
  kept: {
    'expired 7 days ago': challenge({ expires: '-7 days' }),
    'used long ago, and not expired': challenge({ expires: '1 second', used: '-400 days' }),
  },
  gone: { 'expired over 7 days ago': challenge({ expires: '-7 days -1 microsecond' }) },
  left: () => sql`SELECT convert_from(session_token_hash, 'UTF8') AS label FROM mfa_codes`,
}

const counter = (at: { lockedUntil: At; expires: At }) => (label: string) =>
  sql`
  INSERT INTO sign_in_counters (key, failures, locked_until, expires_at)
  VALUES (convert_to(${label}, 'UTF8'), 3, now() + ${at.lockedUntil}::interval, now() + ${at.expires}::interval)`
const counters: Retention = {
  kept: {
    'still locked': counter({ lockedUntil: '1 microsecond', expires: '1 microsecond' }),
    'still counting': counter({ lockedUntil: null, expires: '1 microsecond' }),
  },
  gone: {
    'of a lock that ends now': counter({ lockedUntil: '0', expires: '0' }),
    'that counted until now': counter({ lockedUntil: null, expires: '0' }),
  },
  left: () => sql`SELECT convert_from(key, 'UTF8') AS label FROM sign_in_counters`,
}

const device = (seen: string) => (label: string) =>
  sql`INSERT INTO known_devices (account_id, key, seen_at) VALUES (${accountId}, convert_to(${label}, 'UTF8'), now() + ${seen}::interval)`
const devices: Retention = {
  kept: { 'seen a year ago': device('-1 year') },
  gone: { 'seen over a year ago': device('-1 year -1 microsecond') },
  left: () => sql`SELECT convert_from(key, 'UTF8') AS label FROM known_devices`,
}

const ofSession = (until: string) => (label: string) =>
  sql`INSERT INTO revocations (session_id, until) VALUES (md5(${label})::uuid, now() + ${until}::interval)`
const ofAccount = (until: string) => (label: string) =>
  sql`INSERT INTO revocations (account_id, minimum_version, until) VALUES (md5(${label})::uuid, 2, now() + ${until}::interval)`
const revocations: Retention = {
  kept: {
    'of a session whose last token lives until now': ofSession('0'),
    'of an account whose last token is alive': ofAccount('1 microsecond'),
  },
  gone: {
    'of a session whose last token is over': ofSession('-1 microsecond'),
    'of an account whose last token is over': ofAccount('-1 microsecond'),
  },
  left: (labels) => sql`
    SELECT label FROM unnest(${labels}::text[]) label
     WHERE EXISTS (SELECT FROM revocations WHERE md5(label)::uuid IN (session_id, account_id))`,
}

const membership = (at: { state: string; changed: string }) => (label: string) =>
  sql`
  INSERT INTO memberships (account_id, realm, state, origin, since, changed_at)
  VALUES (${accountId}, ${label}, ${at.state}, 'registered', now() - interval '500 days', now() + ${at.changed}::interval)`
const removedMemberships: Retention = {
  kept: {
    'removed 400 days ago': membership({ state: 'removed', changed: '-400 days' }),
    'active for long': membership({ state: 'active', changed: '-500 days' }),
    'inactive for long': membership({ state: 'inactive', changed: '-500 days' }),
    'waiting for long': membership({ state: 'pending', changed: '-500 days' }),
  },
  gone: { 'removed over 400 days ago': membership({ state: 'removed', changed: '-400 days -1 microsecond' }) },
  left: () => sql`SELECT realm AS label FROM memberships`,
}

/** An entry of the log, so long after the month began in which the last 400 days did. */
const entry = (after: string) => (label: string) =>
  sql`
  INSERT INTO activities (account_id, tenant_id, contract, action, created_at)
  VALUES (${accountId}, gen_random_uuid(), 'test', ${label},
          date_trunc('month', now() - interval '400 days', 'UTC') + ${after}::interval)`
const activities: Retention = {
  kept: { 'of a month with days to keep': entry('0'), 'of a month without a partition': entry('-3 years') },
  gone: { 'of a month over 400 days ago': entry('-1 microsecond') },
  left: () => sql`SELECT action AS label FROM activities`,
}

const mail = (at: { sent?: At; dead?: At }) => (label: string) =>
  sql`
  INSERT INTO mail_jobs (id, account_id, contract, kind, created_at, due_at, sent_at, dead_at)
  VALUES (gen_random_uuid(), ${accountId}, 'test', ${label}, now() - interval '400 days', now() - interval '400 days',
          now() + ${at.sent ?? null}::interval, now() + ${at.dead ?? null}::interval)`
const mailKinds = () => sql<{ label: string }>`SELECT kind AS label FROM mail_jobs`
const sentMails: Retention = {
  kept: { 'sent 7 days ago': mail({ sent: '-7 days' }), 'not sent in 400 days': mail({}) },
  gone: { 'sent over 7 days ago': mail({ sent: '-7 days -1 microsecond' }) },
  left: mailKinds,
}
const deadMails: Retention = {
  kept: { 'given up 30 days ago': mail({ dead: '-30 days' }), 'given up by nobody in 400 days': mail({}) },
  gone: { 'given up over 30 days ago': mail({ dead: '-30 days -1 microsecond' }) },
  left: mailKinds,
}

testRetention(
  fresh,
  pruning,
  [
    seals,
    sessions,
    refreshTokens,
    links,
    challenges,
    counters,
    devices,
    revocations,
    removedMemberships,
    activities,
    sentMails,
    deadMails,
    idempotencyKeys,
    outbox,
  ],
  fixtures,
)
