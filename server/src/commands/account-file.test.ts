import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync as argon2 } from '@node-rs/argon2'
import { hashSync as bcrypt } from '@node-rs/bcrypt'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { realmWith, testRealm } from '../../tests/support/identity-service.ts'
import { freshDatabase } from '../../tests/support/test-databases.ts'
import { systemClock } from '../platform/clock.ts'
import { sql } from '../platform/db/database.ts'
import { type AccountImport, importAccounts } from '../services/identity/import-accounts.ts'
import type { Realm } from '../services/realm/index.ts'
import { importFile } from './account-file.ts'

const realm = testRealm
const named = realmWith('named', { tenant: 'named' })
const byEmail = realmWith('by-email', { identifier: 'email' })

const fresh = freshDatabase('import_accounts', { service: 'identity' })
const folder = await mkdtemp(join(tmpdir(), 'guichet-import-'))
const file = join(folder, 'accounts.ndjson')
let woken = 0
let printed: string[] = []

afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(() => {
  woken = 0
  printed = []
})

const eventsRecorded = () => {
  woken += 1
}
const importer = (into: Realm): AccountImport => {
  const deps = { database: fresh.database, clock: systemClock, eventsRecorded }
  return importAccounts(deps)(into)
}
const write = (...lines: readonly (object | string)[]) =>
  writeFile(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
const run = (options: { into?: Realm; dryRun?: boolean; path?: string } = {}) =>
  importFile(options.path ?? file, importer(options.into ?? realm), options.dryRun ?? false, (text) => {
    printed.push(text)
  })
const domainError = async (into?: Realm): Promise<string> => {
  const before = await written()
  const error = await run(into ? { into } : {}).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ name: 'StartError' })
  expect(await written()).toEqual(before)
  return (error as Error).message
}
const written = () =>
  fresh.database.one(sql<Record<string, number>>`
    SELECT (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM outbox_events) AS events,
           (SELECT count(*) FROM activities) AS activities, (SELECT count(*) FROM tenants) AS tenants`)
const accountNamed = (username: string) =>
  fresh.database.one(sql<Record<string, unknown>>`
    SELECT a.*, t.name AS tenant, g.role, g.state, g.administrator,
           (SELECT json_agg(json_build_object('type', type, 'sequence', o.sequence, 'data', data) ORDER BY o.sequence) FROM outbox_events o
             WHERE aggregate_id = a.id) AS events,
           (SELECT json_agg(action) FROM activities WHERE account_id = a.id) AS activities
      FROM accounts a JOIN tenants t ON t.id = a.tenant_id LEFT JOIN memberships g ON g.account_id = a.id
     WHERE username = ${username}`)

const hash = bcrypt('secret word', { cost: 4 })

describe('an import', () => {
  test('writes every account with its events, activity and membership, and counts the formats', async () => {
    await write(
      {
        email: ' Ada@Example.org ',
        name: 'Ada L.',
        password_hash: hash,
        email_verified: true,
        second_factor: true,
        role: 'admin',
        locale: 'fr',
        created_at: '2020-02-03T04:05:06Z',
      },
      '',
      { username: 'bob', email: null, password_hash: argon2('x', { memoryCost: 64, timeCost: 1 }), active: false },
      { username: 'carol', role: 'user' },
      { username: 'dave', password_hash: hash },
    )
    await run()
    expect(printed.join('\n')).toBe(`4 accounts fit:
  1 with a password by argon2id
  2 with a password by bcrypt
  1 without a password
4 accounts were imported.`)
    expect(woken).toBe(1)
    const ada = await accountNamed('ada@example.org')
    expect(ada).toMatchObject({
      email: 'ada@example.org',
      display_name: 'Ada L.',
      password_hash: hash,
      email_verified_at: expect.any(Date),
      second_factor: true,
      locale: 'fr',
      state: 'active',
      tenant: 'main',
      role: 'admin',
      administrator: true,
      created_at: new Date('2020-02-03T04:05:06Z'),
      sequence: 2,
      activities: ['import'],
    })
    const data = {
      number: ada.number,
      username: ada.username,
      email: ada.email,
      displayName: 'Ada L.',
      tenant: 'main',
      createdAt: '2020-02-03T04:05:06+00:00',
    }
    const membership = { realm: 'test', role: 'admin', origin: 'imported', since: expect.any(String) }
    expect(ada.events).toEqual([
      { type: 'account.registered', sequence: 1, data },
      { type: 'membership.started', sequence: 2, data: { ...data, ...membership } },
    ])
    expect(await accountNamed('bob')).toMatchObject({
      email: null,
      email_verified_at: null,
      state: 'inactive',
      locale: 'en',
    })
    expect(await accountNamed('carol')).toMatchObject({ password_hash: null, role: null, activities: ['import'] })
  })

  test('of many batches is one transaction, and keeps the order of the file', async () => {
    const lines = Array.from({ length: 2_345 }, (_, index) => ({ username: `many${index}` }))
    await write(...lines)
    await run()
    const rows = await fresh.database.many(
      sql<{ username: string }>`SELECT username FROM accounts WHERE username LIKE 'many%' ORDER BY number`,
    )
    expect(rows).toEqual(lines)

    await write(...lines.map((_, index) => ({ username: `more${index}` })), { username: 'MANY7' })
    expect(await domainError()).toContain('line 2346: username belongs to an account that is here, or once was')
  })

  test('shows how far it has come, and takes that away at the end', async () => {
    await write({ username: 'first-step' }, { username: 'second-step' })
    const steps: string[] = []
    const progress = {
      step: (doing: string, done: number) => void steps.push(`${doing} ${done}`),
      end: () => void steps.push('end'),
    }
    await importFile(file, importer(realm), false, () => undefined, progress)
    expect(steps).toEqual(['checked 1', 'checked 2', 'end', 'written 1', 'written 2', 'end'])
  })

  test('dry writes nothing, and still looks at the database', async () => {
    await write({ username: 'somebody-new' })
    const before = await written()
    await run({ dryRun: true })
    expect(printed).toEqual(['1 accounts fit:\n  1 without a password', 'Nothing was written.'])
    expect(await written()).toEqual(before)
    await write({ username: 'many1' })
    await expect(run({ dryRun: true })).rejects.toThrow('line 1: username belongs')
  })

  test('makes the tenants that lines name, once each, where the contract has them named', async () => {
    await write(
      { username: 'one', tenant: 'Acme  Inc' },
      { username: 'two', tenant: ' acme inc' },
      { username: 'one', tenant: 'Other' },
    )
    await run({ into: named })
    const rows = await fresh.database.many(sql<{ name: string; members: number }>`
      SELECT t.name, count(*) AS members FROM tenants t JOIN accounts a ON a.tenant_id = t.id
       WHERE t.name <> 'main' GROUP BY t.name ORDER BY lower(t.name)`)
    expect(rows.map(({ name, members }) => [name, members])).toEqual([
      ['Acme Inc', 2],
      ['Other', 1],
    ])
  })
})

describe('a file is refused whole', () => {
  test.each<[object | string, string]>([
    ['not json', 'it must be object'],
    ['[]', 'it must be object'],
    [{ name: 'Nobody' }, 'neither username nor email'],
    [{ username: 'x', unknown: 1 }, '"unknown" is no field of a line. Known: email, username,'],
    [{ username: 'x', emial: 'x@example.org' }, '"emial" is no field of a line. Did you mean "email"?'],
    [{ username: 'a b' }, 'username is not allowed'],
    [{ email: 'no-address' }, 'email is no e-mail address'],
    [{ email: 'é@example.org' }, 'email is no e-mail address'],
    [{ username: 'somebody.else@example.org' }, 'username is not allowed'],
    [{ username: 'erin', email_verified: true }, 'email_verified needs an email'],
    [{ username: 'erin', second_factor: true }, 'second_factor needs an email'],
    [{ username: 'erin', active: 'yes' }, 'active must be boolean'],
    [{ username: 'erin', role: 'emperor' }, 'role is none of user, admin'],
    [{ username: 'erin', role: 'constructor' }, 'role is none of user, admin'],
    [{ username: 'erin', tenant: 'Acme' }, 'tenant cannot be chosen here'],
    [{ username: 'erin', locale: 'tlh' }, 'locale is none of en, fr'],
    [{ username: 'erin', created_at: '2020-01-01' }, 'created_at must match'],
    [{ username: 'erin', created_at: '2999-01-01T00:00:00Z' }, 'created_at is no time in the past'],
    [{ username: 'erin', created_at: '2020-13-01T00:00:00Z' }, 'created_at is no time in the past'],
    [{ username: 'erin', name: 'a\u0000b' }, 'name must match'],
    ['{"username":"erin","name":"\\ud800"}', 'name must match'],
    [{ username: 'erin', password_hash: 'secret word' }, 'password_hash is refused: its format is not known'],
    [{ username: 'erin', password_hash: '$2b$10$short' }, 'it is no well-formed bcrypt hash'],
    [{ username: 'erin', password_hash: `$2b$31$${'.'.repeat(53)}` }, 'its bcrypt cost (31) is above the ceiling'],
  ])('for %j', async (line, reason) => {
    await write({ username: 'fits' }, '', line)
    const message = await domainError()
    expect(message).toContain(`line 3: `)
    expect(message).toContain(reason)
    expect(message).not.toMatch(/secret word|\$short|line 1/)
  })

  test('where the contract has tenants named, for a line without one', async () => {
    await write({ username: 'erin' }, { username: 'erin', tenant: '  ' })
    expect(await domainError(named)).toMatch(/line 1: tenant is missing\s+line 2: tenant is no name/)
  })

  test('where people sign in by address, for a line without one', async () => {
    await write({ username: 'erin' })
    expect(await domainError(byEmail)).toContain('line 1: email is missing')
  })

  test('for names and proven addresses that stand in it twice', async () => {
    await write(
      { username: 'frank', email: 'f@example.org' },
      { username: 'grace', email: 'f@example.org', email_verified: true },
      { username: 'Frank' },
      { username: 'heidi', email: 'F@example.org', email_verified: true },
      { username: 'ivan', email: 'f@example.org' },
    )
    const message = await domainError()
    expect(message).toContain('line 3: username is that of line 1')
    expect(message).toContain('line 4: email is that of line 2, and both are verified')
    expect(message.match(/line \d: /g)).toHaveLength(2)
  })

  test('for names and addresses that are taken or once were', async () => {
    await fresh.database.run(sql`
      INSERT INTO retired_usernames (tenant_id, username_hash)
      SELECT id, sha256(convert_to('retired', 'UTF8')) FROM tenants WHERE name = 'main'`)
    await write(
      { username: 'Retired' },
      { email: 'ADA@example.org' },
      { username: 'judy', email: 'ada@example.org', email_verified: true },
      { username: 'karl', email: 'ada@example.org' },
    )
    const message = await domainError()
    expect(message.match(/line \d: \w+ belongs/g)).toEqual([
      'line 1: username belongs',
      'line 2: username belongs',
      'line 3: email belongs',
    ])
  })

  test('and twenty of its problems are named, and all are counted, also those of the database', async () => {
    await write(...Array.from({ length: 99 }, () => 'x'), { username: 'ada@example.org', email: 'ada@example.org' })
    const message = await domainError()
    expect(message.match(/line \d+: /g)).toHaveLength(20)
    expect(message).toContain('line 20: ')
    expect(message).toContain('has 100 problems')
    expect(message).toContain('and 80 more')
  })

  test('when it cannot be read, is not UTF-8 or has an endless line', async () => {
    await expect(run({ path: join(folder, 'absent') })).rejects.toThrow('cannot be read')
    await writeFile(file, Buffer.from([0x7b, 0xff, 0xfe, 0x0a]))
    expect(await domainError()).toContain('cannot be read')
    await writeFile(file, `{"username":"${'x'.repeat(1_000_000)}"}`)
    expect(await domainError()).toContain('has a line of more than')
  })

  test('when it changes between the two readings, however little', async () => {
    await write({ username: 'laura' }, { username: 'mallory' })
    const accounts = importer(realm)
    const tampering: AccountImport = {
      ...accounts,
      async write(rows) {
        await appendFile(file, ' ')
        return accounts.write(rows)
      },
    }
    const before = await written()
    await expect(importFile(file, tampering, false, () => undefined)).rejects.toThrow('changed while it was read')
    expect(await written()).toEqual(before)
    expect(woken).toBe(0)
  })

  test('when a name is taken between the check and the writing', async () => {
    await write({ username: 'niaj' }, { username: 'olivia' })
    const accounts = importer(realm)
    const racing: AccountImport = {
      ...accounts,
      async write(rows) {
        await accounts.write(async function* () {
          const read = accounts.read({ username: 'OLIVIA' })
          if ('account' in read) yield read.account
        })
        return accounts.write(rows)
      },
    }
    await expect(importFile(file, racing, false, () => undefined)).rejects.toThrow('was taken meanwhile')
    const rows = await fresh.database.many(sql`SELECT 1 FROM accounts WHERE username IN ('niaj', 'olivia')`)
    expect(rows).toEqual([])
  })
})
