import { beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import {
  anonymiseOrders,
  changeStatus,
  findOrder,
  findOrderByNumber,
  findProduct,
  listItems,
  listOrders,
  listProducts,
  lockEmptyCatalogue,
  lockOrderByNumber,
  placeOrder,
  writeProducts,
} from './store.ts'

const fresh = freshDatabase('orders store', { service: 'orders' })
const db = () => fresh.database

const [tea, cake, salt] = [1, 2, 3]
beforeEach(async () => {
  await db().run(sql`TRUNCATE products, orders, order_items, outbox_events`)
  const product = (id: number) => ({ id, name: `product ${id}`, priceCents: id * 100, stock: 10 })
  await writeProducts(db(), [tea, cake, salt].map(product))
})

const stocks = async () => (await listProducts(db(), { limit: 10, offset: 0 })).map(({ stock }) => stock)
async function place(lines: [product: number, quantity: number][], accountId = newId(), realm = 'selling') {
  const id = newId()
  const eventId = newId()
  const ordered = lines.map(([productId, quantity]) => ({ productId, quantity }))
  const customer = { accountId, realm }
  return { id, accountId, ...(await placeOrder(db(), { id, ...customer, username: 'ada', lines: ordered, eventId })) }
}

describe('an order', () => {
  test.each<[string, [number, number][], { taken: number[] | undefined; known?: number; wanted?: number }]>([
    ['takes what is there to the last', [[tea, 10]], { taken: [0, 10, 10] }],
    [
      'takes nothing when one is short by one',
      [
        [tea, 1],
        [cake, 11],
      ],
      { taken: undefined, known: 2, wanted: 2 },
    ],
    [
      'takes nothing when two lines are short together',
      [
        [tea, 6],
        [tea, 5],
      ],
      { taken: undefined, known: 1, wanted: 1 },
    ],
    [
      'takes two lines of one product together',
      [
        [tea, 6],
        [cake, 1],
        [tea, 4],
      ],
      { taken: [0, 9, 10], known: 2, wanted: 2 },
    ],
    [
      'takes nothing when one is unknown',
      [
        [tea, 1],
        [99, 1],
      ],
      { taken: undefined, known: 1, wanted: 2 },
    ],
  ])('%s', async (_what, lines, { taken, known = 1, wanted = 1 }) => {
    const order = await place(lines)
    expect(await stocks()).toEqual(taken ?? [10, 10, 10])
    expect({ known: order.known, wanted: order.wanted }).toEqual({ known, wanted })
    const found = await findOrder(db(), order.id)
    const total = lines.reduce((sum, [id, quantity]) => sum + id * 100 * quantity, 0)
    expect(found?.totalCents).toBe(taken ? total : undefined)
    const items = (await listItems(db(), order.id)).map(({ productId, quantity }) => [productId, quantity])
    expect(items).toEqual(taken ? lines : [])
    expect(await db().many(sql`SELECT id FROM outbox_events WHERE aggregate_id = ${order.id}`)).toHaveLength(
      taken ? 1 : 0,
    )
  })

  test('is found by its id or number, and listed to its account, newest first', async () => {
    const first = await place([[tea, 1]])
    const second = await place([[cake, 1]], first.accountId)
    const other = await place([[salt, 1]])
    const number = second.number ?? 0
    expect(await findOrderByNumber(db(), number)).toMatchObject({ id: second.id })
    expect(await lockOrderByNumber(db(), number)).toMatchObject({ id: second.id, sequence: 1 })
    expect(await findOrder(db(), second.id)).toMatchObject({ number })
    expect(await findOrder(db(), newId())).toBeUndefined()
    const listed = async (accountId: string) =>
      (await listOrders(db(), { accountId, realm: 'selling' }, { limit: 10, offset: 0 })).map(({ id }) => id)
    expect(await listed(first.accountId)).toEqual([second.id, first.id])
    expect(await listed(other.accountId)).toEqual([other.id])
    expect((await listItems(db(), second.id)).map(({ productId }) => productId)).toEqual([cake])
  })

  test('is of one realm: another lists, changes and anonymises none of it', async () => {
    const accountId = newId()
    const [here, there] = [await place([[tea, 1]], accountId), await place([[tea, 1]], accountId, 'elsewhere')]
    const listed = async (realm: string) =>
      (await listOrders(db(), { accountId, realm }, { limit: 10, offset: 0 })).map(({ id }) => id)
    expect([await listed('selling'), await listed('elsewhere')]).toEqual([[here.id], [there.id]])
    expect(await findOrder(db(), there.id)).toMatchObject({ realm: 'elsewhere' })
    expect(await findOrderByNumber(db(), there.number ?? 0)).toMatchObject({ realm: 'elsewhere' })
    expect(await lockOrderByNumber(db(), there.number ?? 0)).toMatchObject({ realm: 'elsewhere' })
    const stranger = await place([[tea, 1]])
    expect(await anonymiseOrders(db(), accountId, 'selling')).toBe(1)
    expect([await listed('selling'), await listed('elsewhere')]).toEqual([[], [there.id]])
    expect(await findOrder(db(), stranger.id)).toMatchObject({ accountId: stranger.accountId, realm: 'selling' })
  })

  test('from before realms is listed in each, and anonymised with the first that is left', async () => {
    const accountId = newId()
    const [before, there] = [await place([[tea, 1]], accountId), await place([[tea, 1]], accountId, 'elsewhere')]
    const stranger = await place([[tea, 1]])
    await db().run(sql`UPDATE orders SET realm = NULL WHERE id IN (${before.id}, ${stranger.id})`)
    const listed = async (realm: string) =>
      (await listOrders(db(), { accountId, realm }, { limit: 10, offset: 0 })).map(({ id }) => id)
    expect([await listed('selling'), await listed('elsewhere')]).toEqual([[before.id], [there.id, before.id]])
    expect(await anonymiseOrders(db(), accountId, 'selling')).toBe(1)
    expect([await listed('selling'), await listed('elsewhere')]).toEqual([[], [there.id]])
    expect(await findOrder(db(), stranger.id)).toMatchObject({ accountId: stranger.accountId, realm: null })
  })

  test('of an account that was deleted is nobody’s in every realm', async () => {
    const accountId = newId()
    const orders = [await place([[tea, 1]], accountId), await place([[tea, 1]], accountId, 'elsewhere')]
    const before = await place([[tea, 1]], accountId)
    await db().run(sql`UPDATE orders SET realm = NULL WHERE id = ${before.id}`)
    expect(await anonymiseOrders(db(), accountId)).toBe(3)
    for (const { id } of [...orders, before])
      expect(await findOrder(db(), id)).toMatchObject({ accountId: null, username: 'deleted' })
  })

  test('of a deleted account is nobody’s, and no other is', async () => {
    const [gone, other] = [await place([[tea, 1]]), await place([[tea, 1]])]
    expect(await anonymiseOrders(db(), gone.accountId)).toBe(1)
    expect(await findOrder(db(), gone.id)).toMatchObject({ accountId: null, username: 'deleted' })
    expect(await findOrder(db(), other.id)).toMatchObject({ accountId: other.accountId, username: 'ada' })
  })
})

describe('a change of the status', () => {
  test.each([
    ['gives the stock back when it cancels', 'pending', 'cancelled', 'cancelled', [8, 10, 10]],
    ['gives nothing back otherwise', 'pending', 'confirmed', 'confirmed', [5, 9, 10]],
    ['is none from another status', 'confirmed', 'cancelled', 'pending', [5, 9, 10]],
  ] as const)('%s', async (_what, from, to, status, left) => {
    const order = await place([
      [tea, 2],
      [cake, 1],
      [tea, 1],
    ])
    const other = await place([[tea, 2]])
    const changed = await changeStatus(db(), { orderId: order.id, from, to, eventId: newId() })
    expect(changed).toBe(status === 'pending' ? 0 : 1)
    expect(await findOrder(db(), order.id)).toMatchObject({ status })
    expect(await findOrder(db(), other.id)).toMatchObject({ status: 'pending' })
    expect(await stocks()).toEqual(left)
    const told = await db().many(sql`SELECT id FROM outbox_events WHERE type = 'order.status_changed'`)
    expect(told).toHaveLength(changed)
  })

  test('that cancels is made once, and gives back once', async () => {
    const order = await place([[tea, 2]])
    const cancel = () => changeStatus(db(), { orderId: order.id, from: 'pending', to: 'cancelled', eventId: newId() })
    expect([await cancel(), await cancel()]).toEqual([1, 0])
    expect(await stocks()).toEqual([10, 10, 10])
  })
})

test('products are written over those of their ids alone, and the next free id is above all', async () => {
  await writeProducts(db(), [{ id: cake, name: 'pie', priceCents: 5, stock: 1 }])
  await writeProducts(db(), [{ name: 'new', priceCents: 1, stock: 1 }])
  const names = (await listProducts(db(), { limit: 10, offset: 0 })).map(({ id, name }) => [id, name])
  expect(names).toEqual([
    [tea, 'product 1'],
    [cake, 'pie'],
    [salt, 'product 3'],
    [4, 'new'],
  ])
  expect(await findProduct(db(), cake)).toMatchObject({ name: 'pie' })
  expect(await findProduct(db(), 99)).toBeUndefined()
  expect(await db().transaction(lockEmptyCatalogue)).toBe(false)
  await db().run(sql`TRUNCATE products CASCADE`)
  expect(await db().transaction(lockEmptyCatalogue)).toBe(true)
})
