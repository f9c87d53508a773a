import { expect, test } from 'vitest'
import { identityService, testContext, testRealm } from '../../../../tests/support/identity-service.ts'
import { type Queryable, sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'

const service = identityService('revocations')

const revoke = async (db: Queryable): Promise<string> => {
  const sessionId = newId()
  await db.run(sql`INSERT INTO revocations (session_id, until) VALUES (${sessionId}, now() + interval '1 hour')`)
  return sessionId
}
const next = (cursor: string, revision = 0, waitMs = 0) =>
  service.identity.revocations.next({ reader: 'reader', cursor, revision, waitMs })
const sessionsOf = ({ revocations }: Awaited<ReturnType<typeof next>>) => revocations.map(({ sessionId }) => sessionId)

test('a revocation that commits after a later one is not missed', async () => {
  let later = ''
  let cursor = ''
  const earlier = await service.database.transaction(async (tx) => {
    const sessionId = await revoke(tx)
    later = await revoke(service.database)
    const page = await next('0')
    cursor = page.cursor
    expect(sessionsOf(page)).toContain(later)
    expect(sessionsOf(page)).not.toContain(sessionId)
    return sessionId
  })
  expect(sessionsOf(await next(cursor))).toContain(earlier)
})

test('a change of a member is told with its realm, the end of an account without one', async () => {
  const { account } = await service.identity.createAccount({ username: 'revoked' }, testContext)
  const ofAccount = async () =>
    await service.database.many(sql`
      SELECT realm, minimum_version AS "minimumVersion" FROM revocations WHERE account_id = ${account.id} ORDER BY id`)
  const { cursor } = await next('0')
  await service.identity.admin.setActive('revoked', false, testRealm)
  await service.identity.removeMember(account.id, testContext)
  const told = [
    { realm: 'test', minimumVersion: 2 },
    { realm: 'test', minimumVersion: 3 },
    { realm: null, minimumVersion: 2_147_483_647 },
  ]
  expect(await ofAccount()).toEqual(told)
  const { revocations } = await next(cursor)
  const heard = revocations.filter(({ accountId }) => accountId === account.id)
  expect(heard).toMatchObject(told.map((one) => ({ ...one, sessionId: null, accountId: account.id })))
})

test('a waiting reader hears at once', async () => {
  const { cursor, revision } = await next('0')
  const began = Date.now()
  const waiting = next(cursor, revision, 5_000)
  const sessionId = await revoke(service.database)
  void service.identity.revocations.broadcast()
  expect(sessionsOf(await waiting)).toContain(sessionId)
  expect(Date.now() - began).toBeLessThan(1_000)
})

test('spread waits until the reader asks again, which says that it has applied what it was given', async () => {
  const { cursor, revision } = await next('0')
  const waiting = next(cursor, revision, 5_000)
  await revoke(service.database)
  let broadcast = false
  const spreading = service.identity.revocations.broadcast().then(() => {
    broadcast = true
  })
  const page = await waiting
  expect(broadcast).toBe(false)
  const again = next(page.cursor, page.revision, 50)
  await spreading
  await again
})

test('spread does not wait for a reader for ever', async () => {
  await next('0')
  await revoke(service.database)
  const began = Date.now()
  await service.identity.revocations.broadcast()
  expect(Date.now() - began).toBeLessThan(1_000)
})

test('a reader that is pages behind is handed the next page at once, and counts as up to date after the last', async () => {
  const before = await next('0')
  await service.database.run(sql`
    INSERT INTO revocations (session_id, until)
    SELECT gen_random_uuid(), now() + interval '1 hour' FROM generate_series(1, 4999)`)
  const last = [await revoke(service.database), await revoke(service.database)]
  const first = await next(before.cursor)
  expect(first.revocations).toHaveLength(5_000)
  const began = Date.now()
  // While a transaction is open anywhere in the server, pages begin further back, and there is one more of them.
  const pages = [first]
  for (let page = first; page.revision === 0 && pages.length < 4; pages.push(page))
    page = await next(page.cursor, page.revision, 5_000)
  expect(Date.now() - began).toBeLessThan(4_000)
  expect(pages.length).toBeGreaterThan(1)
  expect(pages.flatMap((page) => sessionsOf(page))).toEqual(expect.arrayContaining(last))
  expect(pages.at(-1)?.revision).toBeGreaterThan(0)
})
