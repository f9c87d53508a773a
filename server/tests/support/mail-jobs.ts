import { type Database, sql } from '../../src/platform/db/database.ts'
import { newId } from '../../src/platform/ids.ts'
import { deriveFrom } from '../../src/platform/secrets.ts'
import type { MailSources } from '../../src/services/identity/mails/write-mail.ts'
import { createChallengeSecrets } from '../../src/services/identity/tokens/challenge-secrets.ts'
import type { Realm } from '../../src/services/realm/index.ts'
import { testRealm } from './identity-service.ts'
import { freshDatabase } from './test-databases.ts'

const realm: Realm = {
  ...testRealm,
  links: { ...testRealm.links, verifyEmail: ({ accountId, token }) => `/verify/${accountId}?token=${token}` },
}

/** What mails are written from, for one contract called `test`. */
export const testSources: MailSources = {
  secrets: createChallengeSecrets(deriveFrom('a secret of the tests, long enough')),
  realmNamed: (contract) => (contract === 'test' ? realm : undefined),
  baseUrlOf: () => 'https://test.example.org/',
}

export interface QueuedMail {
  kind: string
  contract?: string
  challengeId?: string
}

/** Identity's tables in a database of their own, with rows as its use cases would leave them. */
export function mailJobs(name: string) {
  const fresh = freshDatabase(name, { service: 'identity' })
  const db = (): Database => fresh.database
  return {
    url: fresh.url,
    get database() {
      return fresh.database
    },
    async account(values: { email?: string | null; name?: string; locale?: string } = {}): Promise<string> {
      const { email = 'ada@example.org', name: displayName = null, locale = 'en' } = values
      const id = newId()
      await db().run(sql`
        INSERT INTO accounts (id, tenant_id, username, email, display_name, locale)
        SELECT ${id}, t.id, ${id}, ${email}, ${displayName}, ${locale} FROM tenants t WHERE t.name = 'main'`)
      return id
    },
    /** A link of the account, good for an hour unless it is said otherwise. */
    async link(
      accountId: string,
      type: 'email_verification' | 'password_reset' | 'address_change' | 'address_undo',
      values: { email?: string; goodFor?: number } = {},
    ): Promise<string> {
      const { email = 'new@example.org', goodFor = 3600 } = values
      const id = newId()
      await db().run(sql`
        INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at)
        VALUES (${id}, ${accountId}, 'test', ${type}, ${email}, now() + make_interval(secs => ${goodFor}))`)
      return id
    },
    async code(accountId: string): Promise<string> {
      const id = newId()
      await db().run(sql`
        INSERT INTO mfa_codes (id, account_id, contract, session_token_hash, revision, counter, expires_at)
        VALUES (${id}, ${accountId}, 'test', ${Buffer.from(id)}, 1, ${Buffer.from(id)}, now() + interval '5 minutes')`)
      return id
    },
    async queue(accountId: string, { kind, contract = 'test', challengeId }: QueuedMail): Promise<string> {
      const id = newId()
      await db().run(sql`
        INSERT INTO mail_jobs (id, account_id, contract, kind, challenge_id)
        VALUES (${id}, ${accountId}, ${contract}, ${kind}, ${challengeId ?? null})`)
      return id
    },
    job: (id: string) =>
      db().one(sql<{ attempts: number; sent: boolean; dead: boolean; lastError: string | null }>`
        SELECT attempts, sent_at IS NOT NULL AS sent, dead_at IS NOT NULL AS dead, last_error AS "lastError"
          FROM mail_jobs WHERE id = ${id}`),
  }
}
