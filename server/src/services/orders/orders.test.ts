import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../../platform/db/database.ts'
import { openNotices, type ServerNotices } from '../../platform/db/notices/index.ts'
import { newId } from '../../platform/ids.ts'
import { silentLogger } from '../../platform/log.ts'
import type { RequestContext } from '../realm/index.ts'
import { followAccounts, type Orders, openOrders } from './index.ts'
import * as store from './store.ts'

const fresh = freshDatabase('orders', { service: 'orders' })
let orders: Orders
let notices: ServerNotices
beforeAll(async () => {
  const log = silentLogger()
  notices = openNotices({ url: fresh.url, name: 'orders', log })
  // Nothing is remembered before.
  await vi.waitFor(() => expect(notices.connected()).toBe(true), { timeout: 10_000 })
  orders = openOrders({ database: fresh.database, notices, eventsRecorded: () => undefined })
})
afterAll(async () => {
  orders.close()
  await notices.close()
})

const { roles } = testRealm.policy
const realm = realmWith('selling', {
  roles: { ...roles, permissions: { user: [], manager: ['orders:manage'] } },
})
const as = (uid: string, role = 'user'): RequestContext =>
  contextOf(realm, { claims: { sid: '', uid, ver: 1, tid: '', jti: '', iat: 0, exp: 0, role } })

const product = { id: 1, name: 'tea', priceCents: 100, stock: 10 }
const page = { limit: 10, offset: 0 }
let owner: string
let number: number
const customer = (accountId = owner) => ({ accountId, realm: realm.name })
const place = async () =>
  (await orders.place({ ...customer(), username: 'ada', lines: [{ productId: 1, quantity: 2 }] })).number

beforeEach(async () => {
  await fresh.database.run(sql`TRUNCATE products, orders, order_items`)
  await orders.importProducts([product])
  owner = newId()
  number = await place()
})

describe('an order', () => {
  test.each<[string, () => RequestContext, string | undefined]>([
    ['for its owner', () => as(owner), undefined],
    ['for who manages orders', () => as(newId(), 'manager'), undefined],
    ['not for another person', () => as(newId()), 'orders.order_not_found'],
    ['not for who is nobody', () => contextOf(realm), 'orders.order_not_found'],
  ])('is there, to be read and cancelled, %s', async (_who, context, refused) => {
    expect(await errorCodeOf(orders.read(number, context()))).toBe(refused)
    expect(await errorCodeOf(orders.changeStatus(number, 'cancelled', context()))).toBe(refused)
    const { status } = await orders.read(number, as(owner))
    expect(status).toBe(refused ? 'pending' : 'cancelled')
  })

  test.each<[string, [number, number][], string]>([
    ['of a product that is not there', [[2, 1]], 'orders.unknown_product'],
    [
      'of one that is there and one that is not',
      [
        [1, 1],
        [2, 1],
      ],
      'orders.unknown_product',
    ],
    ['of more than there is', [[1, 9]], 'orders.not_enough_stock'],
    [
      'of more than there is and of what is not there',
      [
        [1, 9],
        [2, 1],
      ],
      'orders.unknown_product',
    ],
  ])('%s is refused', async (_what, wanted, refused) => {
    const lines = wanted.map(([productId, quantity]) => ({ productId, quantity }))
    expect(await errorCodeOf(orders.place({ ...customer(), username: 'ada', lines }))).toBe(refused)
    expect(await orders.list(customer(), page)).toHaveLength(1)
  })

  test('of another realm is not there, for its owner and for who manages orders', async () => {
    const elsewhere = (context: RequestContext) => ({ ...context, realm: { ...context.realm, name: 'elsewhere' } })
    for (const context of [as(owner), as(newId(), 'manager')]) {
      expect(await errorCodeOf(orders.read(number, elsewhere(context)))).toBe('orders.order_not_found')
      const cancelling = orders.changeStatus(number, 'cancelled', elsewhere(context))
      expect(await errorCodeOf(cancelling)).toBe('orders.order_not_found')
    }
    expect(await orders.list({ ...customer(), realm: 'elsewhere' }, page)).toEqual([])
    // It is there where it was placed.
    expect(await orders.read(number, as(owner))).toMatchObject({ status: 'pending', realm: realm.name })
    expect(await orders.read(number, as(newId(), 'manager'))).toMatchObject({ number })
  })

  test('from before realms is there in each, for its owner and for who manages orders', async () => {
    await fresh.database.run(sql`UPDATE orders SET realm = NULL`)
    for (const context of [as(owner), as(newId(), 'manager')]) {
      expect(await orders.read(number, context)).toMatchObject({ realm: null })
      expect(await orders.read(number, { ...context, realm: { ...realm, name: 'elsewhere' } })).toMatchObject({
        number,
      })
    }
    expect(await errorCodeOf(orders.read(number, as(newId())))).toBe('orders.order_not_found')
  })

  test.each<[string, object, [string, string]]>([
    ['membership.ended', { realm: 'selling' }, ['deleted', 'ada']],
    ['membership.ended', { realm: 'elsewhere' }, ['ada', 'deleted']],
    ['membership.ended', { realm: 'nowhere' }, ['ada', 'ada']],
    ['account.deleted', {}, ['deleted', 'deleted']],
  ])('is anonymised by %s %j where that is of its realm', async (type, data, [here, there]) => {
    const other = await orders.place({
      ...customer(),
      realm: 'elsewhere',
      username: 'ada',
      lines: [{ productId: 1, quantity: 1 }],
    })
    const event = { id: newId(), source: 'identity', type, subject: owner, sequence: 1, time: '', data }
    await fresh.database.transaction((tx) => followAccounts[type as keyof typeof followAccounts](tx, event))
    const manager = as(newId(), 'manager')
    expect(await orders.read(number, manager)).toMatchObject({
      username: here,
      accountId: here === 'ada' ? owner : null,
    })
    const elsewhere = { ...manager, realm: { ...realm, name: 'elsewhere' } }
    expect(await orders.read(other.number, elsewhere)).toMatchObject({ username: there })
  })

  test('of a deleted account is for who manages orders alone', async () => {
    await store.anonymiseOrders(fresh.database, owner)
    for (const context of [as(owner), contextOf(realm)]) {
      expect(await errorCodeOf(orders.read(number, context))).toBe('orders.order_not_found')
      expect(await errorCodeOf(orders.changeStatus(number, 'cancelled', context))).toBe('orders.order_not_found')
    }
    expect(await orders.changeStatus(number, 'confirmed', as(newId(), 'manager'))).toMatchObject({ accountId: null })
  })
})

describe('what was read before is shown as it is after', () => {
  const manager = () => as(newId(), 'manager')
  const ownList = () => orders.list(customer(), page)
  test.each<[string, () => Promise<unknown>]>([
    ['a step that the owner takes', () => orders.changeStatus(number, 'cancelled', as(owner))],
    ['a step that somebody else takes', () => orders.changeStatus(number, 'confirmed', manager())],
    ['another order', place],
  ])('%s, in the list of the owner', async (_what, write) => {
    const before = await ownList()
    expect(before).toHaveLength(1)
    await write()
    const after = await ownList()
    expect(after).not.toEqual(before)
    expect(after).toEqual(await store.listOrders(fresh.database, customer(), page))
  })

  test.each<[string, () => Promise<unknown>]>([
    ['an order', place],
    ['a cancellation', () => orders.changeStatus(number, 'cancelled', manager())],
    ['an import', () => orders.importProducts([{ ...product, name: 'coffee' }])],
    [
      'the first filling',
      async () => {
        await fresh.database.run(sql`TRUNCATE products CASCADE`)
        expect(await orders.fillEmptyCatalogue([product])).toBe(true)
      },
    ],
  ])('%s, in the catalogue', async (_what, write) => {
    const before = await orders.listProducts(page)
    expect(before).toHaveLength(1)
    await write()
    const after = await orders.listProducts(page)
    expect(after).not.toEqual(before)
    expect(after).toEqual(await store.listProducts(fresh.database, page))
  })
})

test('pages that differ in one thing are remembered apart', async () => {
  await place()
  await orders.importProducts([{ ...product, id: 2 }])
  const pages = [page, { ...page, limit: 1 }, { ...page, offset: 1 }]
  const lengths = async (read: (one: typeof page) => Promise<readonly unknown[]>) => {
    const counted: number[] = []
    for (const one of pages) counted.push((await read(one)).length)
    return counted
  }
  expect(await lengths((one) => orders.list(customer(), one))).toEqual([2, 1, 1])
  expect(await lengths(orders.listProducts)).toEqual([2, 1, 1])
  expect(await orders.list(customer(newId()), page)).toEqual([])
  expect(await orders.list({ ...customer(), realm: 'elsewhere' }, page)).toEqual([])
})

test('an order placed in one realm is listed at once there, and in no other', async () => {
  const elsewhere = { ...customer(), realm: 'elsewhere' }
  const counts = async () => [(await orders.list(customer(), page)).length, (await orders.list(elsewhere, page)).length]
  expect(await counts()).toEqual([1, 0])
  await orders.place({ ...elsewhere, username: 'ada', lines: [{ productId: 1, quantity: 1 }] })
  expect(await counts()).toEqual([1, 1])
  await place()
  expect(await counts()).toEqual([2, 1])
})
