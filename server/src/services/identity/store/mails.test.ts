import { describe, expect, test } from 'vitest'
import { identityStore } from '../../../../tests/support/identity-store.ts'
import { sql } from '../../../platform/db/database.ts'
import { newId } from '../../../platform/ids.ts'
import type { MailKind } from '../mails/kinds.ts'
import { listDeadMails, replayDeadMails } from './dead-mails.ts'
import {
  claimMails,
  deadLetterMail,
  dropMail,
  findMails,
  markMailSent,
  queueMailOnce,
  retryMailLater,
} from './mails.ts'

const store = identityStore('mail rows')

interface State {
  due?: string
  sent?: string
  dead?: string
  attempts?: number
  challengeId?: string
  created?: string
}
const queue = async (
  accountId: string,
  { due = '0', sent, dead, attempts = 1, challengeId, created = '0' }: State = {},
) => {
  const id = newId()
  await store.database.run(sql`
    INSERT INTO mail_jobs (id, account_id, contract, kind, challenge_id, created_at, attempts, due_at, sent_at, dead_at, last_error)
    VALUES (${id}, ${accountId}, 'test', 'new_device', ${challengeId ?? null}, date_trunc('day', now()) + ${created}::interval, ${attempts},
            now() + ${due}::interval, now() + ${sent ?? null}::interval, now() + ${dead ?? null}::interval, 'before')`)
  return id
}
const stateOf = async (id: string) => {
  const row = sql<{ state: string; error: string | null; attempts: number; due: number }>`
    SELECT concat_ws(' and ', CASE WHEN sent_at IS NOT NULL THEN 'sent' END, CASE WHEN dead_at IS NOT NULL THEN 'dead' END) AS state,
           last_error AS error, attempts, round(extract(epoch FROM due_at - now()) / 60)::integer AS due
      FROM mail_jobs WHERE id = ${id}`
  const { state, error, attempts, due } = await store.database.one(row)
  return [state, error, attempts, due]
}

test('mails are claimed that are due, neither sent nor given up, the longest waiting first, each for its lease', async () => {
  await store.database.run(sql`DELETE FROM mail_jobs`)
  const accountId = await store.account()
  const [second, first] = [await queue(accountId, { due: '-1 minute' }), await queue(accountId, { due: '-2 minutes' })]
  const third = await queue(accountId)
  await queue(accountId, { due: '1 minute' })
  await queue(accountId, { due: '-1 hour', sent: '-1 minute' })
  await queue(accountId, { due: '-1 hour', dead: '-1 minute' })
  const claim = async (limit: number) => (await claimMails(store.database, { limit, leaseSeconds: 300 })).sort()
  expect(await claim(2)).toEqual([first, second].sort())
  expect(await claim(2)).toEqual([third])
  expect(await claim(2)).toEqual([])
  expect(await stateOf(first)).toEqual(['', 'before', 2, 5])
})

describe('what becomes of a mail', () => {
  const failed = { attempts: 3, reason: 'refused' }
  const steps = {
    sent: (id: string) => markMailSent(store.database, id),
    dropped: (id: string) => dropMail(store.database, id),
    'put off': (id: string) => retryMailLater(store.database, { id, ...failed, delayMs: 600_000 }),
    buried: (id: string) => deadLetterMail(store.database, { id, ...failed }),
  }
  // State, last error, attempts and minutes until it is due.
  type Row = readonly [string, string | null, number, number]
  test.each<[keyof typeof steps, Row, Row]>([
    ['sent', ['sent', null, 3, 0], ['sent', null, 4, 0]],
    ['dropped', ['sent', 'no longer needed', 3, 0], ['sent', 'no longer needed', 4, 0]],
    ['put off', ['', 'refused', 3, 10], ['', 'before', 4, 0]],
    ['buried', ['dead', 'refused', 3, 0], ['', 'before', 4, 0]],
  ])('%s is what is said of the one that was claimed, and not of one that was sent', async (step, claimed, again) => {
    const accountId = await store.account()
    const own = await queue(accountId, { attempts: 3 })
    const claimedAgain = await queue(accountId, { attempts: 4 })
    const sent = await queue(accountId, { attempts: 3, sent: '-1 minute' })
    const other = await queue(accountId, { attempts: 3 })
    for (const id of [own, claimedAgain, sent]) await steps[step](id)
    expect(await stateOf(own)).toEqual(claimed)
    expect(await stateOf(claimedAgain)).toEqual(again)
    expect(await stateOf(sent)).toEqual(['sent', 'before', 3, 0])
    expect(await stateOf(other)).toEqual(['', 'before', 3, 0])
  })

  test('that left after it was given up is sent', async () => {
    const id = await queue(await store.account(), { attempts: 3, dead: '-1 minute' })
    await markMailSent(store.database, id)
    expect(await stateOf(id)).toEqual(['sent', null, 3, 0])
  })

  test('that was given up is listed, oldest first, and due again when it is replayed, as no other is', async () => {
    await store.database.run(sql`DELETE FROM mail_jobs`)
    const accountId = await store.account()
    const [newer, older] = [
      await queue(accountId, { dead: '-1 minute', due: '1 hour' }),
      await queue(accountId, { dead: '-2 minutes' }),
    ]
    const [waiting, sent] = [await queue(accountId, { due: '1 hour' }), await queue(accountId, { sent: '-1 minute' })]
    expect((await listDeadMails(store.database)).map(({ id }) => id)).toEqual([older, newer])
    expect(await replayDeadMails(store.database)).toBe(2)
    expect(await replayDeadMails(store.database)).toBe(0)
    expect(await stateOf(newer)).toEqual(['', 'before', 0, 0])
    expect(await stateOf(waiting)).toEqual(['', 'before', 1, 60])
    expect(await stateOf(sent)).toEqual(['sent', 'before', 1, 0])
  })
})

describe('a mail of a kind', () => {
  const queueOnce = (accountId: string, by: { kind?: MailKind; realm?: string } = {}) =>
    queueMailOnce(store.database, {
      id: newId(),
      accountId,
      realm: 'test',
      kind: 'how_to_join',
      everySeconds: 3600,
      ...by,
    })
  const prove = (accountId: string) =>
    store.database.run(sql`
      UPDATE accounts SET email = ${`${accountId}@example.org`}, email_verified_at = now() WHERE id = ${accountId}`)

  test('is queued once within the time, of each kind and account', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    for (const one of [accountId, other]) await prove(one)
    expect([
      await queueOnce(accountId),
      await queueOnce(accountId),
      await queueOnce(accountId, { realm: 'other' }),
    ]).toEqual([1, 0, 0])
    expect(await queueOnce(accountId, { kind: 'joined' })).toBe(1)
    expect(await queueOnce(other)).toBe(1)
    const aged = (by: string) =>
      store.database.run(sql`
        UPDATE mail_jobs SET created_at = now() - ${by}::interval WHERE account_id = ${accountId} AND kind = 'how_to_join'`)
    await aged('59 minutes')
    expect(await queueOnce(accountId)).toBe(0)
    await aged('1 hour')
    expect(await queueOnce(accountId)).toBe(1)
  })

  test('is queued for nobody without a proven address', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    await prove(other)
    expect(await queueOnce(accountId)).toBe(0)
    expect(await queueOnce(newId())).toBe(0)
  })
})

describe('a mail is written', () => {
  test.each([
    ['open', {}, true],
    ['used', { used: '-1 second' }, false],
    ['revoked', { revoked: '-1 second' }, false],
    ['over', { expires: '0' }, false],
  ])('with a link or code that is %s', async (_what, state, open) => {
    const accountId = await store.account()
    for (const make of [store.link, store.challenge]) {
      await make({ accountId })
      const id = await queue(accountId, { challengeId: await make({ accountId, ...state }) })
      expect(await findMails(store.database, [id])).toMatchObject([{ id, challengeOpen: open }])
    }
  })

  test('without a link, and without an address that is not from the same moment and of the same account', async () => {
    const [accountId, other] = [await store.account(), await store.account()]
    const id = await queue(accountId)
    const came = (who: string, ip: string | null, after: string) =>
      store.database.run(sql`
        INSERT INTO activities (account_id, tenant_id, contract, action, ip, created_at)
        SELECT ${who}, id, 'test', 'login', ${ip}::inet, date_trunc('day', now()) + ${after}::interval FROM tenants LIMIT 1`)
    await came(other, '192.0.2.1', '0')
    await came(accountId, '192.0.2.2', '1 second')
    await came(accountId, null, '0')
    expect(await findMails(store.database, [id])).toMatchObject([
      { accountId, challengeOpen: false, linkEmail: null, ip: null },
    ])
    await came(accountId, '192.0.2.3', '0')
    expect(await findMails(store.database, [id])).toMatchObject([{ ip: '192.0.2.3' }])
  })
})
