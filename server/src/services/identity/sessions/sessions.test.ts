import { expect, test } from 'vitest'
import { errorCodeOf, identityRows } from '../../../../tests/support/identity-rows.ts'
import { contextOf, identityService, testRealm } from '../../../../tests/support/identity-service.ts'
import { sql } from '../../../platform/db/database.ts'
import type { RequestContext } from '../../realm/index.ts'

const service = identityService('sessions')
const rows = identityRows(service)
const password = 'correct horse'

const at = (device: string, ipPrefix: string): RequestContext =>
  contextOf(testRealm, { device, ipPrefix, ip: ipPrefix })
const home = at('laptop', '192.0.2.1')

let people = 0
async function register(emailVerified = true) {
  people += 1
  const username = `person${people}`
  const input = { username, email: `${username}@example.org`, password, emailVerified }
  const { account } = await service.identity.createAccount(input, home)
  const signIn = async (context: RequestContext) => {
    const result = await service.identity.login({ identifier: username, password }, context)
    expect(result.kind).toBe('session')
  }
  return { id: account.id, signIn }
}

test('the owner is not told of the first device ever, and once of every other one', async () => {
  const { id, signIn } = await register()
  await signIn(home)
  await signIn(home)
  expect(await rows.mails(id)).toEqual([])
  const abroad = at('phone', '203.0.113.9')
  await signIn(abroad)
  await signIn(abroad)
  expect(await rows.mails(id)).toEqual(['new_device'])
})

test('neither a known device elsewhere nor another device at home is news', async () => {
  const { id, signIn } = await register()
  await signIn(home)
  await signIn(at('laptop', '203.0.113.9'))
  await signIn(at('tablet', '192.0.2.1'))
  expect(await rows.mails(id)).toEqual([])
})

test('nobody is told at an address that is not proven', async () => {
  const { id, signIn } = await register(false)
  await signIn(home)
  await signIn(at('phone', '203.0.113.9'))
  expect(await rows.mails(id)).toEqual([])
})

test('a device that one account knows is a stranger to another', async () => {
  const [one, two] = [await register(), await register()]
  await one.signIn(at('phone', '203.0.113.9'))
  await two.signIn(home)
  await two.signIn(at('phone', '203.0.113.9'))
  expect(await rows.mails(two.id)).toEqual(['new_device'])
})

test('no table tells from which device or prefix somebody signed in that is known', async () => {
  const { id, signIn } = await register()
  await signIn(at('a-device-to-be-searched', '203.0.113.77'))
  const known = await service.database.many(
    sql<{ row: string }>`SELECT d::text AS row FROM known_devices d WHERE account_id = ${id}`,
  )
  expect(known).toHaveLength(2)
  for (const { row } of known) expect(row).not.toMatch(/a-device-to-be-searched|203\.0\.113\.77/)
})

test('a session is not opened for a password that was right until a moment ago', async () => {
  const { id, signIn } = await register()
  const used = rows.overtaking(
    id,
    () => signIn(home),
    (tx) => tx.run(sql`UPDATE accounts SET last_login_at = now() WHERE id = ${id}`),
  )
  expect(await errorCodeOf(used)).toBeUndefined()
  const changed = rows.overtaking(
    id,
    () => signIn(home),
    (tx) => tx.run(sql`UPDATE accounts SET revision = revision + 1 WHERE id = ${id}`),
  )
  expect(await errorCodeOf(changed)).toBe('identity.invalid_credentials')
  expect(await rows.openSessions(id)).toBe(1)
})

test('right and wrong passwords that come at once are all answered', async () => {
  const { id, signIn } = await register()
  const wrong = () => service.identity.login({ identifier: `person${people}`, password: 'wrong horse' }, home)
  await signIn(home)
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, turn) => errorCodeOf(turn % 2 ? wrong() : signIn(home))),
  )
  for (const code of outcomes) expect([undefined, 'identity.invalid_credentials']).toContain(code)
  expect(await rows.openSessions(id)).toBeGreaterThan(0)
})
