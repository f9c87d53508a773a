import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { hashSync as argon2Sync } from '@node-rs/argon2'
import { hashSync as bcryptSync, type Version } from '@node-rs/bcrypt'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { newSecret } from '../../platform/ids.ts'
import type { ImportedAccount } from './import-accounts.ts'

const service = identityService('import_accounts')
const people = 1_000

const bare = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
const hex = (bytes: Buffer) => bytes.toString('hex')
const ab64 = (bytes: Buffer) => bare(bytes).replaceAll('+', '.')
const pbkdf2 = (password: string, salt: Buffer | string, digest: string, size: number) =>
  pbkdf2Sync(password, salt, 10, size, digest)
const scrypt = (password: string, salt: Buffer | string) => scryptSync(password, salt, 64, { N: 16, r: 8, p: 1 })
const bcrypt = (version: Version) => (password: string) => bcryptSync(password, { cost: 4, version })
const argon2 = (algorithm: number) => (password: string) =>
  argon2Sync(password, { memoryCost: 32, timeCost: 1, algorithm })
const passlib = (digest: string, size: number, prefix: string) => (password: string, salt: Buffer) =>
  `${prefix}$10$${ab64(salt)}$${ab64(pbkdf2(password, salt, digest, size))}`

/** Makes hashes of each format, in all its variants, as the system would that they come from, only much cheaper. */
const formats: Readonly<Record<string, readonly ((password: string, salt: Buffer) => string)[]>> = {
  bcrypt: [bcrypt('2a'), bcrypt('2b'), bcrypt('2y')],
  argon2: [argon2(0), argon2(1), argon2(2)],
  scrypt: [(password, salt) => `$scrypt$ln=4,r=8,p=1$${bare(salt)}$${bare(scrypt(password, salt))}`],
  'scrypt of Werkzeug': [(password, salt) => `scrypt:16:8:1$${hex(salt)}$${hex(scrypt(password, hex(salt)))}`],
  PBKDF2: [
    (password, salt) => `$pbkdf2-sha256$i=10$${bare(salt)}$${pbkdf2(password, salt, 'sha256', 32).toString('base64')}`,
  ],
  'PBKDF2 of passlib': [
    passlib('sha1', 20, '$pbkdf2'),
    passlib('sha256', 32, '$pbkdf2-sha256'),
    passlib('sha512', 64, '$pbkdf2-sha512'),
  ],
  'PBKDF2 of Django': [
    (password, salt) => `pbkdf2_sha256$10$${hex(salt)}$${pbkdf2(password, hex(salt), 'sha256', 32).toString('base64')}`,
  ],
  'PBKDF2 of Werkzeug': [
    (password, salt) => `pbkdf2:sha256:10$${hex(salt)}$${hex(pbkdf2(password, hex(salt), 'sha256', 32))}`,
  ],
}

/** Runs `work` for every item, a few at a time. */
async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const item of left) await work(item)
    }),
  )
}

describe(`${people} accounts sign in with the passwords they had, and are argon2id afterwards`, () => {
  test.each(Object.entries(formats))('%s', async (format, variants) => {
    const realm = realmWith(format.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'), {})
    const accounts = service.identity.importAccounts(realm)
    const members = Array.from({ length: people }, (_, index) => {
      const password = newSecret(6)
      const hashOf = variants[index % variants.length]
      const passwordHash = hashOf?.(password, Buffer.from(newSecret(12)))
      return { username: `${realm.name}-${index}`, password, passwordHash }
    })
    const read = members.map(({ username, passwordHash }) => {
      const result = accounts.read({ username, passwordHash })
      if ('problem' in result) throw new Error(result.problem)
      return result.account
    })
    expect(await accounts.write(() => each(read))).toEqual({ written: people })

    const [first, second] = members
    const wrong = service.identity.login(
      { identifier: first?.username ?? '', password: second?.password ?? '' },
      contextOf(realm),
    )
    await expect(wrong).rejects.toMatchObject({ code: 'identity.invalid_credentials' })
    await forEach(members, async ({ username, password }) => {
      const result = await service.identity.login({ identifier: username, password }, contextOf(realm))
      expect(result.kind).toBe('session')
    })

    const { upgraded } = await service.database.one(sql<{ upgraded: number }>`
      SELECT count(*) AS upgraded FROM accounts
       WHERE username LIKE ${`${realm.name}-%`} AND password_hash LIKE '$argon2id$v=19$m=64,t=1,p=1$%'`)
    expect(upgraded).toBe(people)
    const again = await service.identity.login(
      { identifier: first?.username ?? '', password: first?.password ?? '' },
      contextOf(realm),
    )
    expect(again.kind).toBe('session')
  })
})

async function* each(accounts: readonly ImportedAccount[]): AsyncGenerator<ImportedAccount> {
  yield* accounts
}

test('who is imported with a proven address that is known becomes a member, and keeps their password', async () => {
  const [home, realm] = [realmWith('home', {}), realmWith('importing', {})]
  const accounts = service.identity.importAccounts(realm)
  const email = 'known@example.org'
  const known = { username: 'known', email, password: 'their own password', emailVerified: true }
  const { account } = await service.identity.createAccount(known, contextOf(home))
  const passwordHash = argon2(2)('an imported password')
  const read = [
    accounts.read({ username: 'imported-name', email, emailVerified: true, passwordHash }),
    accounts.read({ username: 'somebody-new', passwordHash }),
  ].flatMap((one) => ('account' in one ? [one.account] : []))
  expect(read).toHaveLength(2)
  expect(await accounts.conflicts(read)).toEqual([{ position: 0, kind: 'joins' }])
  expect(await accounts.write(() => each(read))).toEqual({ written: 2 })
  const signIn = (identifier: string, password: string, of = realm) =>
    service.identity.login({ identifier, password }, contextOf(of))
  for (const of of [home, realm]) {
    expect(await signIn('known', known.password, of)).toMatchObject({ session: { account: { id: account.id } } })
    const imported = signIn('known', 'an imported password', of)
    await expect(imported).rejects.toMatchObject({ code: 'identity.invalid_credentials' })
  }
  await expect(signIn('imported-name', 'an imported password')).rejects.toMatchObject({
    code: 'identity.invalid_credentials',
  })
  expect(await signIn('somebody-new', 'an imported password')).toMatchObject({ kind: 'session' })
  expect(await accounts.conflicts(read)).toEqual([
    { position: 0, kind: 'email' },
    { position: 1, kind: 'username' },
  ])
  await expect(accounts.write(() => each(read))).rejects.toMatchObject({ code: 'identity.username_taken' })
})

test('an import that starts over after a deadlock reads its rows again', async () => {
  const accounts = service.identity.importAccounts(testRealm)
  const read = accounts.read({ username: 'started-over' })
  if ('problem' in read) throw new Error(read.problem)
  let starts = 0
  const rows = async function* () {
    starts += 1
    yield read.account
    // What PostgreSQL answers the victim of a deadlock.
    if (starts === 1) throw Object.assign(new pg.DatabaseError('deadlock detected', 0, 'error'), { code: '40P01' })
  }
  expect(await accounts.write(rows)).toEqual({ written: 1 })
  expect(starts).toBe(2)
})

test('accounts that another import writes at the same time are written by one of the two', async () => {
  const accounts = service.identity.importAccounts(testRealm)
  const read = Array.from({ length: 1_200 }, (_, index) => accounts.read({ username: `twice-${index}` }))
  const rows = read.flatMap((one) => ('account' in one ? [one.account] : []))
  const results = await Promise.allSettled([
    accounts.write(() => each(rows)),
    accounts.write(() => each(rows.toReversed())),
  ])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'identity.username_taken' },
  })
  const { written } = await service.database.one(
    sql<{ written: number }>`SELECT count(*) AS written FROM accounts WHERE username LIKE 'twice-%'`,
  )
  expect(written).toBe(1_200)
})
