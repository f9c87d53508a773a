import { pbkdf2Sync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { identityService, testContext, testRealm } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'

const service = identityService('login')
const password = 'correct horse'
const refused = { code: 'identity.invalid_credentials', details: {} }

let people = 0
async function register(): Promise<string> {
  people += 1
  const username = `person${people}`
  await service.identity.createAccount({ username, password }, testContext)
  return username
}

async function tryTo(identifier: string, given: string) {
  const result = await service.identity.login({ identifier, password: given }, testContext)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session
}

describe('a sign-in', () => {
  test('opens a session for the right password, whatever the case of the name', async () => {
    const username = await register()
    const session = await tryTo(username.toUpperCase(), password)
    expect(session.account).toMatchObject({ username, role: 'user' })
    expect(session.accessToken.split('.')).toHaveLength(3)
    expect(session.refreshToken).toMatch(/^[\w-]{86}$/)
  })

  test('with a wrong password and with an unknown name is refused alike', async () => {
    const username = await register()
    await expect(tryTo(username, 'wrong horse')).rejects.toMatchObject(refused)
    await expect(tryTo('nobody-at-all', password)).rejects.toMatchObject(refused)
  })

  test('of an account without a password is refused like a wrong one', async () => {
    await service.identity.createAccount({ username: 'made-by-admin' }, testContext)
    await expect(tryTo('made-by-admin', '')).rejects.toMatchObject(refused)
  })

  test('of a deactivated account says so only after the right password', async () => {
    const username = await register()
    await service.database.run(sql`
      UPDATE memberships SET state = 'inactive' WHERE account_id = (SELECT id FROM accounts WHERE username = ${username})`)
    await expect(tryTo(username, 'wrong horse')).rejects.toMatchObject(refused)
    await expect(tryTo(username, password)).rejects.toMatchObject({ code: 'identity.deactivated' })
  })
})

describe('lockout', () => {
  const { failures } = testRealm.policy.lockout
  const fail = async (username: string, times: number) => {
    for (let turn = 0; turn < times; turn += 1)
      await expect(tryTo(username, 'wrong horse')).rejects.toMatchObject(refused)
  }

  test('after so many wrong passwords even the right one is refused, in the same words', async () => {
    const username = await register()
    await fail(username, failures)
    await expect(tryTo(username, password)).rejects.toMatchObject(refused)
  })

  test('one success before that forgets the count', async () => {
    const username = await register()
    await fail(username, failures - 1)
    await tryTo(username, password)
    await fail(username, failures - 1)
    expect((await tryTo(username, password)).account.username).toBe(username)
  })

  test('parallel guesses are all counted', async () => {
    const username = await register()
    await Promise.allSettled(Array.from({ length: failures }, () => tryTo(username, 'wrong horse')))
    await expect(tryTo(username, password)).rejects.toMatchObject(refused)
  })

  test('ends by itself, and an operator can end it', async () => {
    const [waited, unlocked] = [await register(), await register()]
    await fail(unlocked, failures)
    expect(await service.identity.admin.unlock(unlocked, testRealm)).toBe(true)
    expect((await tryTo(unlocked, password)).account.username).toBe(unlocked)
    expect(await service.identity.admin.unlock(unlocked, testRealm)).toBe(false)

    await fail(waited, failures)
    await service.database.run(
      sql`UPDATE sign_in_counters SET locked_until = now() - interval '1 s', expires_at = now() - interval '1 s'`,
    )
    expect((await tryTo(waited, password)).account.username).toBe(waited)
  })

  test('an unknown name can be locked too, and no table tells which names were tried', async () => {
    await fail('some-stranger-name', failures)
    const rows = await service.database.many(sql<{ row: string }>`SELECT c::text AS row FROM sign_in_counters c`)
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.filter(({ row }) => row.includes('stranger'))).toEqual([])
  })
})

test("S-45 a hash in Werkzeug's format opens once and is argon2id afterwards", async () => {
  const username = await register()
  const hex = pbkdf2Sync(password, 'saltsaltsaltsalt', 1000, 32, 'sha256').toString('hex')
  const imported = `pbkdf2:sha256:1000$saltsaltsaltsalt$${hex}`
  await service.database.run(sql`UPDATE accounts SET password_hash = ${imported} WHERE username = ${username}`)
  await expect(tryTo(username, 'wrong horse')).rejects.toMatchObject(refused)
  await tryTo(username, password)
  const { hash } = await service.database.one(
    sql<{ hash: string }>`SELECT password_hash AS hash FROM accounts WHERE username = ${username}`,
  )
  expect(hash).toMatch(/^\$argon2id\$/)
  expect((await tryTo(username, password)).account.username).toBe(username)
})

test('no table holds a usable secret after a sign-in', async () => {
  const username = await register()
  const session = await tryTo(username, password)
  await service.identity.refresh(session.refreshToken, testContext)
  for (const table of ['accounts', 'sessions', 'refresh_tokens', 'outbox_events', 'signing_keys', 'sign_in_counters']) {
    const rows = await service.database.many({
      ...sql<{ row: string }>``,
      name: table,
      text: `SELECT t::text AS row FROM ${table} t`,
      values: [],
    })
    const text = rows.map(({ row }) => row).join('\n')
    for (const secret of [password, session.accessToken, session.refreshToken, 'PRIVATE KEY'])
      expect(text).not.toContain(secret)
  }
})
