import { expect, test } from 'vitest'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { newId } from '../ids.ts'
import { type Queryable, sql } from './database.ts'
import { createOnce, type IdempotencyKey } from './idempotency.ts'

const fresh = freshDatabase('idempotency', {
  setup: `
    CREATE TABLE idempotency_keys (account_id uuid NOT NULL, route text NOT NULL, key text NOT NULL, request_hash bytea NOT NULL,
      created_id uuid NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (account_id, route, key));
    CREATE TABLE things (id uuid PRIMARY KEY)`,
})
const keyOf = (from: Partial<IdempotencyKey> = {}): IdempotencyKey => ({
  accountId: newId(),
  route: 'POST /things',
  key: 'a key',
  requestHash: Buffer.from('a request'),
  ...from,
})
const make = (key: IdempotencyKey | undefined, before = async (_tx: Queryable) => undefined) => {
  const id = newId()
  return createOnce(fresh.database, key, {
    id,
    async create(tx) {
      await before(tx)
      await tx.run(sql`INSERT INTO things (id) VALUES (${id})`)
      return id
    },
    again: async (first) => first,
    reused: () => new Error('the key is used'),
  })
}
const count = async () => (await fresh.database.many(sql`SELECT id FROM things`)).length

test('the second and third request with a key find what the first one made', async () => {
  const key = keyOf()
  const { created, fresh: first } = await make(key)
  expect(first).toBe(true)
  const before = await count()
  for (let turn = 0; turn < 2; turn += 1) expect(await make(key)).toEqual({ created, fresh: false })
  expect(await count()).toBe(before)
})

test('the key with another request is refused, also after it was repeated', async () => {
  const key = keyOf()
  const other = { ...key, requestHash: Buffer.from('another request') }
  const { created } = await make(key)
  await expect(make(other)).rejects.toThrow('the key is used')
  expect(await make(key)).toEqual({ created, fresh: false })
  await expect(make(other)).rejects.toThrow('the key is used')
})

test.each([
  ['account', { accountId: newId() }],
  ['route', { route: 'POST /others' }],
  ['key', { key: 'another key' }],
])('another %s is another matter', async (_what, change) => {
  const key = keyOf()
  const { created } = await make(key)
  const second = await make({ ...key, ...change })
  expect(second.fresh).toBe(true)
  expect(second.created).not.toBe(created)
})

test('without a key each request makes its own', async () => {
  const before = await count()
  for (let turn = 0; turn < 2; turn += 1) expect((await make(undefined)).fresh).toBe(true)
  expect(await count()).toBe(before + 2)
})

test('a failure leaves the key unused, the second one too', async () => {
  const key = keyOf()
  const failing = async () => {
    throw new Error('out of stock')
  }
  for (let turn = 0; turn < 2; turn += 1) await expect(make(key, failing)).rejects.toThrow('out of stock')
  expect((await make(key)).fresh).toBe(true)
})

test.each([
  ['finds what the first one makes', false, { fresh: false }],
  ['makes it when the first one fails', true, { fresh: true }],
])('a twin that comes meanwhile %s', async (_what, fails, expected) => {
  const key = keyOf()
  let twin: ReturnType<typeof make> | undefined
  const first = make(key, async () => {
    twin = make(key)
    await expect.poll(waiting).toBe(1)
    if (fails) throw new Error('out of stock')
  })
  if (fails) await expect(first).rejects.toThrow('out of stock')
  else expect((await first).fresh).toBe(true)
  expect(await twin).toMatchObject(expected)
})

const waiting = async () => {
  const { count } = await fresh.database.one(sql<{ count: number }>`
    SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
  return count
}
