import { sql } from '../../../platform/db/database.ts'

/** Statements of the pruning job, each bounded: what is over is kept as long as the retention table says. */
export const pruning = {
  sessions: () => sql`
    DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE coalesce(ended_at, expires_at) < now() - interval '30 days' LIMIT 1000)`,
  refreshTokens: () => sql`
    DELETE FROM refresh_tokens WHERE token_hash IN (
      SELECT token_hash FROM refresh_tokens WHERE expires_at < now() - interval '7 days' LIMIT 1000)`,
  links: () => sql`
    DELETE FROM verification_tokens WHERE id IN (
      SELECT id FROM verification_tokens WHERE expires_at < now() - interval '7 days' LIMIT 1000)`,
  challenges: () => sql`
    DELETE FROM mfa_codes WHERE id IN (SELECT id FROM mfa_codes WHERE expires_at < now() - interval '7 days' LIMIT 1000)`,
  counters: () => sql`
    DELETE FROM sign_in_counters WHERE key IN (SELECT key FROM sign_in_counters WHERE expires_at <= now() LIMIT 1000)`,
  devices: () => sql`
    DELETE FROM known_devices WHERE ctid IN (
      SELECT ctid FROM known_devices WHERE seen_at < now() - interval '1 year' LIMIT 1000)`,
  revocations: () => sql`
    DELETE FROM revocations WHERE id IN (SELECT id FROM revocations WHERE until < now() LIMIT 1000)`,
  removedMemberships: () => sql`
    DELETE FROM memberships WHERE (account_id, realm) IN (
      SELECT account_id, realm FROM memberships
       WHERE state = 'removed' AND changed_at < now() - interval '400 days' LIMIT 1000)`,
  activities: () => sql`SELECT keep_activity_partitions()`,
}

export const pruneSeals = (graceSeconds: number) => sql`
  UPDATE refresh_tokens SET successor_sealed = NULL WHERE token_hash IN (
    SELECT token_hash FROM refresh_tokens WHERE successor_sealed IS NOT NULL
       AND replaced_at <= now() - make_interval(secs => ${graceSeconds}) LIMIT 1000)`
