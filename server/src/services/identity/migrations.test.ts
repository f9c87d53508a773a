import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { type Database, sql } from '../../platform/db/database.ts'
import { type MigrationFile, readMigrations } from '../../platform/db/migration-files.ts'
import { newId } from '../../platform/ids.ts'
import { migrations } from './index.ts'

/** Identity's tables as they were before the migration of that name. */
async function tablesBefore(name: string, client: pg.Client): Promise<MigrationFile> {
  const files = await readMigrations(migrations)
  const at = files.findIndex((file) => file.name.endsWith(name))
  for (const { text } of files.slice(0, at)) await client.query(text)
  const migration = files[at]
  if (!migration) throw new Error(`there is no migration ${name}`)
  return migration
}

describe('the migration to memberships', () => {
  const fresh = freshDatabase('identity_migrations')
  const warnings: string[] = []
  const ids = new Map<string, string>()
  const idOf = (name: string) => ids.get(name) ?? ''
  let client: pg.Client

  const db = (): Database => fresh.database
  const tenants = { plain: newId(), approving: newId() }

  /** An account of before, known by `name`; active, of a tenant that approves nobody, unless it is said otherwise. */
  async function account(
    name: string,
    by: { active?: boolean; signedIn?: boolean; tenant?: keyof typeof tenants } = {},
  ): Promise<string> {
    const id = newId()
    ids.set(name, id)
    const values = [id, tenants[by.tenant ?? 'plain'], name, by.active ?? true, by.signedIn ? new Date() : null]
    await client.query(
      'INSERT INTO accounts (id, tenant_id, username, active, last_login_at, version) VALUES ($1, $2, $3, $4, $5, 5)',
      values,
    )
    return id
  }
  const grant = (id: string, realm: string, role: string, administrator = false) =>
    client.query('INSERT INTO grants (account_id, contract, role, administrator) VALUES ($1, $2, $3, $4)', [
      id,
      realm,
      role,
      administrator,
    ])
  const session = (id: string, realm: string, ended = false) =>
    client.query(
      `INSERT INTO sessions (id, account_id, contract, expires_at, ended_at)
       VALUES ($1, $2, $3, now() + interval '1 day', CASE WHEN $4 THEN now() END)`,
      [newId(), id, realm, ended],
    )
  const activity = (id: string, realm: string, action: string, ago = '0') =>
    client.query(
      `INSERT INTO activities (account_id, tenant_id, contract, action, created_at)
       VALUES ($1, $2, $3, $4, now() - $5::interval)`,
      [id, tenants.plain, realm, action, ago],
    )
  const link = (id: string, realm: string, type: string, used: boolean) =>
    client.query(
      `INSERT INTO verification_tokens (id, account_id, contract, token_type, email, expires_at, used_at)
       VALUES ($1, $2, $3, $4, 'somebody@example.org', now(), CASE WHEN $5 THEN now() END)`,
      [newId(), id, realm, type, used],
    )
  const code = async (id: string, used: boolean) => {
    const key = newId()
    await client.query(
      `INSERT INTO mfa_codes (id, account_id, contract, session_token_hash, version, counter, expires_at, used_at)
       VALUES ($1, $2, 'shop', $3, 5, '', now() + interval '5 minutes', CASE WHEN $4 THEN now() END)`,
      [key, id, Buffer.from(key), used],
    )
  }

  beforeAll(async () => {
    client = new pg.Client({ connectionString: fresh.url })
    await client.connect()
    client.on('notice', ({ severity, message }) => {
      if (severity === 'WARNING') warnings.push(message ?? '')
    })
    const { text } = await tablesBefore('_memberships', client)
    await client.query("INSERT INTO tenants (id, name) VALUES ($1, 'Plain')", [tenants.plain])
    await client.query(`INSERT INTO tenants (id, name, settings) VALUES ($1, 'Approving', '{"approval": true}')`, [
      tenants.approving,
    ])

    const granted = await account('granted', { signedIn: true })
    await grant(granted, 'shop', 'admin', true)
    await grant(granted, 'desk', 'agent')
    await activity(granted, 'shop', 'register', '100 days')
    await activity(granted, 'shop', 'login', '99 days')
    await session(granted, 'portal')

    const inactive = await account('inactive', { active: false, signedIn: true })
    await activity(inactive, 'shop', 'register')
    await session(inactive, 'portal', true)
    await grant(inactive, 'shop', 'editor')

    for (const [name, by] of [
      ['waits', { tenant: 'approving' }],
      ['was let in once', { tenant: 'approving', signedIn: true }],
      ['never signed in', {}],
    ] as const)
      await activity(await account(name, { ...by, active: false }), 'shop', 'register')
    await activity(await account('is let in', { tenant: 'approving' }), 'shop', 'register')

    await activity(await account('imported'), 'shop', 'import')
    await grant(await account('only granted'), 'shop', 'editor')
    await link(await account('proved an address'), 'shop', 'email_verification', true)

    const guessed = await account('guessed at')
    await activity(guessed, 'shop', 'register')
    await activity(guessed, 'desk', 'login_failed')
    await activity(guessed, 'portal', 'reset_password_request')
    await link(guessed, 'portal', 'password_reset', false)

    await activity(await account('nowhere'), 'shop', 'login_failed')
    await account('nowhere either')
    await activity(newId(), 'shop', 'register')

    await code(granted, false)
    await code(inactive, true)
    await client.query(
      'INSERT INTO revocations (account_id, minimum_version, until) VALUES ($1, 5, now() + interval $$1 hour$$)',
      [granted],
    )
    await client.query('BEGIN')
    await client.query(text)
    await client.query('COMMIT')
  })
  afterAll(() => client.end())

  const membershipsOf = async (name: string) =>
    Object.fromEntries(
      (
        await db().many(sql<{ realm: string; member: string[] }>`
          SELECT realm, ARRAY[state, role, administrator::text, origin] AS member FROM memberships
           WHERE account_id = ${idOf(name)}`)
      ).map(({ realm, member }) => [realm, member]),
    )

  test('keeps roles, in each realm that the account is known in', async () => {
    expect(await membershipsOf('granted')).toEqual({
      shop: ['active', 'admin', 'true', 'registered'],
      desk: ['active', 'agent', 'false', 'added'],
      portal: ['active', null, 'false', 'joined'],
    })
    expect(await membershipsOf('only granted')).toEqual({ shop: ['active', 'editor', 'false', 'added'] })
  })

  test('keeps who was deactivated from signing in to any of them', async () => {
    expect(await membershipsOf('inactive')).toEqual({
      shop: ['inactive', 'editor', 'false', 'registered'],
      portal: ['inactive', null, 'false', 'joined'],
    })
  })

  test.each([
    ['waits', 'pending'],
    ['was let in once', 'inactive'],
    ['never signed in', 'inactive'],
    ['is let in', 'active'],
  ])('of who %s makes a member that is %s', async (name, state) => {
    expect(await membershipsOf(name)).toEqual({ shop: [state, null, 'false', 'registered'] })
  })

  test('says how and since when they came', async () => {
    expect(await membershipsOf('imported')).toEqual({ shop: ['active', null, 'false', 'imported'] })
    expect(Object.keys(await membershipsOf('proved an address'))).toEqual(['shop'])
    const since = await db().many(sql<{ realm: string; days: number }>`
      SELECT realm, round(extract(epoch FROM now() - since) / 86400)::integer AS days FROM memberships
       WHERE account_id = ${idOf('granted')} ORDER BY realm`)
    expect(since).toEqual([
      { realm: 'desk', days: 0 },
      { realm: 'portal', days: 0 },
      { realm: 'shop', days: 100 },
    ])
  })

  test('makes nobody a member where a stranger tried their name or address', async () => {
    expect(Object.keys(await membershipsOf('guessed at'))).toEqual(['shop'])
  })

  test('warns about the accounts that are known nowhere, and leaves them', async () => {
    expect(warnings).toEqual([expect.stringMatching(/^2 accounts belong to no realm: /)])
    for (const name of ['nowhere', 'nowhere either']) {
      expect(await membershipsOf(name)).toEqual({})
      expect(await db().many(sql`SELECT id FROM accounts WHERE username = ${name}`)).toHaveLength(1)
    }
  })

  test('leaves the version that tokens of before state, and what revokes them in every realm', async () => {
    const versions = await db().many(sql<{ version: number }>`
      SELECT DISTINCT version FROM member_details WHERE id = ${idOf('granted')}`)
    expect(versions).toEqual([{ version: 5 }])
    expect(await db().many(sql`SELECT realm, minimum_version AS version FROM revocations`)).toEqual([
      { realm: null, version: 5 },
    ])
  })

  test('ends the sign-ins that were under way', async () => {
    const codes = await db().many(sql<{ name: string; ended: boolean }>`
      SELECT a.username AS name, c.revoked_at IS NOT NULL AS ended FROM mfa_codes c JOIN accounts a ON a.id = c.account_id
       ORDER BY 1`)
    expect(codes).toEqual([
      { name: 'granted', ended: true },
      { name: 'inactive', ended: false },
    ])
  })
})
