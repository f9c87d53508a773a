import { beforeAll, describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { Fact, Realm } from '../realm/index.ts'
import type { Session } from './index.ts'

const service = identityService('events')
const rows = identityRows(service)
const password = 'correct horse'

/** The fact whose event the outbox does not take; every other one is announced as `test.` with its name. */
let broken: Fact | undefined
const realm: Realm = {
  ...realmWith('announcing', { identifier: 'email', verifiedEmail: 'mailed' }),
  announce: (fact, { id, email, displayName }, at) => ({
    type: fact === broken ? 'test.broken' : `test.${fact}`,
    data: { id, email, displayName, at: at.toISOString() },
  }),
}
const context = contextOf(realm)

beforeAll(async () => {
  await service.database.run(sql`ALTER TABLE outbox_events ADD CONSTRAINT unbroken CHECK (type <> 'test.broken')`)
})

let people = 0
async function register() {
  people += 1
  const email = `person${people}@example.org`
  const input = { email, password, displayName: `Person ${people}` }
  const { account, verificationToken: token = '' } = await service.identity.createAccount(input, context)
  return { id: account.id, email, token }
}
async function signIn(email: string, given = password): Promise<Session> {
  const result = await service.identity.login({ identifier: email, password: given }, context)
  if (result.kind !== 'session') throw new Error('no second factor is enrolled')
  return result.session
}
const link = async (email: string) => (await service.identity.requestPasswordReset({ email }, context)).resetToken ?? ''

describe("a contract's own events", () => {
  test('stand in the outbox in order, numbered with those of the core', async () => {
    const { id, email, token } = await register()
    await service.identity.verifyEmail({ token }, context)
    await service.identity.verifyEmail({ token }, context)
    const session = await signIn(email)
    await service.identity.refresh(session.refreshToken, context)
    await service.identity.logout(claimsOf(session), undefined, context)
    await service.identity.logout(claimsOf(session), undefined, context)
    await signIn(email)
    await service.identity.logoutEverywhere(id, {}, context)
    await service.identity.resetPassword({ token: await link(email), password: 'another horse' }, context)
    for (let turn = 0; turn <= realm.policy.lockout.failures; turn += 1) await errorCodeOf(signIn(email, 'wrong horse'))
    await service.identity.admin.grantRole(email, 'admin', realm)
    const events = await rows.events(id)
    expect(events.map(({ type, sequence }) => [sequence, type])).toEqual([
      [1, 'account.registered'],
      [2, 'membership.started'],
      [3, 'test.registered'],
      [4, 'test.email_verified'],
      [5, 'test.logged_in'],
      [6, 'test.logged_out'],
      [7, 'test.logged_in'],
      [8, 'test.logged_out_everywhere'],
      [9, 'test.password_reset_requested'],
      [10, 'test.password_reset'],
      [11, 'test.locked'],
      [12, 'membership.role_changed'],
    ])
    for (const { type, data } of events) if (type.startsWith('test.')) expect(data).toMatchObject({ id })
    expect(events[2]?.data).toMatchObject({ email, displayName: expect.stringContaining('Person') })
  })

  test('leave no gap and no double when an account does many things at once', async () => {
    const { id, email } = await register()
    const session = await signIn(email)
    await Promise.all(
      [
        ...Array.from({ length: 8 }, () => signIn(email)),
        ...Array.from({ length: 4 }, () => link(email)),
        service.identity.logout(claimsOf(session), undefined, context),
        ...Array.from({ length: 3 }, () => errorCodeOf(signIn(email, 'wrong horse'))),
      ].map((one) => one.catch(() => undefined)),
    )
    const events = await rows.events(id)
    // The wrong passwords may lock the others out in the meantime; what is certain are the first five and the links.
    expect(events.length).toBeGreaterThanOrEqual(9)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    const { sequence } = await service.database.one(
      sql<{ sequence: number }>`SELECT sequence FROM accounts WHERE id = ${id}`,
    )
    expect(sequence).toBe(events.length)
  })

  test('are not recorded for what is refused', async () => {
    const { id, email } = await register()
    const count = () => service.database.one(sql<{ count: number }>`SELECT count(*) AS count FROM outbox_events`)
    const before = await count()
    await errorCodeOf(service.identity.createAccount({ email, password }, context))
    await errorCodeOf(signIn(email, 'wrong horse'))
    await errorCodeOf(service.identity.verifyEmail({ token: 'x' }, context))
    await service.identity.requestPasswordReset({ email: 'nobody@example.org' }, context)
    expect(await count()).toEqual(before)
    expect(await rows.events(id)).toHaveLength(3)
  })
})

describe('an event that cannot be recorded undoes what it tells of', () => {
  const breaking = async (fact: Fact, act: () => Promise<unknown>) => {
    broken = fact
    await expect(act().finally(() => (broken = undefined))).rejects.toMatchObject({ constraint: 'unbroken' })
  }
  const unchanged = async (id: string, act: () => Promise<void>) => {
    const state = async () => ({
      account: await service.database.one(sql<{ row: string }>`SELECT a::text AS row FROM accounts a WHERE id = ${id}`),
      counters: await service.database.many(
        sql<{ row: string }>`SELECT c::text AS row FROM sign_in_counters c WHERE account_id = ${id}`,
      ),
      links: await service.database.many(
        sql<{ row: string }>`SELECT v::text AS row FROM verification_tokens v WHERE account_id = ${id} ORDER BY id`,
      ),
      sessions: await service.database.many(
        sql<{ row: string }>`SELECT s::text AS row FROM sessions s WHERE account_id = ${id} ORDER BY id`,
      ),
      revocations: await service.database.one(sql<{ count: number }>`SELECT count(*) AS count FROM revocations`),
      mails: await rows.mails(id),
      activities: await rows.activities(id),
      events: await rows.events(id),
    })
    const before = await state()
    await act()
    expect(await state()).toEqual(before)
  }

  test('a registration', async () => {
    await breaking('registered', () =>
      service.identity.createAccount({ email: 'undone@example.org', password }, context),
    )
    expect(await errorCodeOf(service.identity.accounts.findByName('undone@example.org', context))).toBe(
      'identity.account_not_found',
    )
  })

  test.each<[Fact, (person: { id: string; email: string; token: string; session: Session }) => Promise<unknown>]>([
    ['email_verified', ({ token }) => service.identity.verifyEmail({ token }, context)],
    ['logged_in', ({ email }) => signIn(email)],
    ['logged_out', ({ session }) => service.identity.logout(claimsOf(session), undefined, context)],
    ['logged_out_everywhere', ({ id }) => service.identity.logoutEverywhere(id, {}, context)],
    ['password_reset_requested', ({ email }) => link(email)],
  ])('%s', async (fact, act) => {
    const person = await register()
    const session = await signIn(person.email)
    await unchanged(person.id, () => breaking(fact, () => act({ ...person, session })))
  })

  test('password_reset', async () => {
    const { id, email } = await register()
    await signIn(email)
    const token = await link(email)
    const reset = () => service.identity.resetPassword({ token, password: 'another horse' }, context)
    await unchanged(id, () => breaking('password_reset', reset))
    expect(await errorCodeOf(reset())).toBeUndefined()
  })

  test('locked', async () => {
    const { id, email } = await register()
    for (let turn = 1; turn < realm.policy.lockout.failures; turn += 1) await errorCodeOf(signIn(email, 'wrong horse'))
    await unchanged(id, () => breaking('locked', () => signIn(email, 'wrong horse')))
  })
})
