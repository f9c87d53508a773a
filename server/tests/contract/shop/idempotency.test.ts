import { beforeAll, expect, inject, test } from 'vitest'
import { uniqueName } from '../../support/unique-name.ts'
import { call, expectFailure, type Order, type Person, shopClient, type User } from './client.ts'

const shop = shopClient(inject('arrangement'))

let products: number[]

beforeAll(async () => {
  products = await shop.importProducts([
    { price: 5, stock: 1000 },
    { price: 5, stock: 0 },
    { price: 5, stock: 100 },
    { price: 5, stock: 100 },
  ])
})

const place = ({ token }: Person, key: string, productId: number, quantity = 1, base = shop.urls.gateway) =>
  call<Order>('POST', `${base}/orders`, {
    token,
    json: { items: [{ product_id: productId, quantity }] },
    headers: { 'idempotency-key': key },
  })

test('S-38 an Idempotency-Key sent twice gives one order and the same answer; one order.placed', async () => {
  const person = await shop.register()
  const key = uniqueName('key')
  const first = await place(person, key, products[2]!)
  expect(first.status).toBe(201)
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const again = await place(person, key, products[2]!, 1, base)
    expect([again.status, again.text]).toEqual([201, first.text])
  }
  expect(await shop.stockOf(products[2]!)).toBe(99)
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 1, events: 1 })
  const second = await place(person, uniqueName('key'), products[2]!)
  expect(second.body.data.id).not.toBe(first.body.data.id)
})

test('S-38 20 at once with one Idempotency-Key give one order and the same answer; one order.placed', async () => {
  const person = await shop.register()
  const key = uniqueName('key')
  const answers = await Promise.all(Array.from({ length: 20 }, () => place(person, key, products[3]!, 2)))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(await shop.stockOf(products[3]!)).toBe(98)
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 1, events: 1 })
})

test('S-38 the same key with another body is 400, for another account it is another key', async () => {
  const [person, other] = await Promise.all([shop.register(), shop.register()])
  const key = uniqueName('key')
  const first = await place(person, key, products[0]!)
  expectFailure(await place(person, key, products[0]!, 2), 400, 'ORDER_CREATION_FAILED')
  const separate = await place(other, key, products[0]!, 2)
  expect(separate.status).toBe(201)
  expect(separate.body.data).toMatchObject({ user_id: other.username, total: 10 })
  expect(separate.body.data.id).not.toBe(first.body.data.id)
  expect((await place(person, key, products[0]!)).text).toBe(first.text)
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 1, events: 1 })
})

test('S-38 a failed order leaves its key unused', async () => {
  const person = await shop.register()
  const key = uniqueName('key')
  expectFailure(await place(person, key, products[1]!), 400, 'ORDER_CREATION_FAILED', 'no stock')
  expectFailure(await place(person, key, products[0]!, 0), 400, 'ORDER_CREATION_FAILED', 'no quantity')
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 0, events: 0 })
  expect((await place(person, key, products[0]!)).status).toBe(201)
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 1, events: 1 })
})

test('S-38 a key has 255 characters at most', async () => {
  const person = await shop.register()
  const key = uniqueName('key').padEnd(255, 'x')
  expect((await place(person, key, products[0]!)).status).toBe(201)
  const long = await place(person, `${key}x`, products[0]!)
  expectFailure(long, 400, long.body.error?.code ?? 'an error')
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 1, events: 1 })
})

test('S-31 POST /users honours the key: sequential, 10 at once, another body; one account.registered', async () => {
  const token = await shop.admin()
  const key = uniqueName('key')
  const json = { username: uniqueName('made'), first_name: 'Ada' }
  const create = (body: object, idempotencyKey = key) =>
    shop.post<User>('/users', { token, json: body, headers: { 'idempotency-key': idempotencyKey } })
  const answers = await Promise.all(Array.from({ length: 10 }, () => create(json)))
  expect(answers.map(({ status, text }) => (status === 201 ? 201 : text))).toEqual(Array(10).fill(201))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  const again = await create(json)
  expect([again.status, again.text]).toEqual([201, answers[0]!.text])
  expectFailure(await create({ username: uniqueName('made') }), 400, 'CREATION_FAILED', 'another username')
  expectFailure(await create({ ...json, first_name: 'Grace' }), 400, 'CREATION_FAILED', 'another first name')
  expect((await create(json, 'x'.repeat(256))).status).toBe(400)
  expect((await create(json, uniqueName('key'))).status, 'taken').toBe(400)
  const told = await shop.rows(
    'identity',
    "SELECT type FROM outbox_events WHERE data->>'username' = $1 ORDER BY sequence",
    [json.username],
  )
  expect(told).toEqual([{ type: 'account.registered' }, { type: 'membership.started' }])
})

test('S-31 a failed creation leaves its key unused', async () => {
  const token = await shop.admin()
  const headers = { 'idempotency-key': uniqueName('key') }
  expectFailure(await shop.post('/users', { token, headers, json: { username: 'admin' } }), 400, 'CREATION_FAILED')
  const made = await shop.post('/users', { token, headers, json: { username: uniqueName('made') } })
  expect(made.status, made.text).toBe(201)
})

test('S-38 a body nested beyond reason is refused with a key, and nothing is ordered', async () => {
  const person = await shop.register()
  const nested = `{"items":[{"product_id":${products[3]},"quantity":1}],"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  const answer = await call('POST', `${shop.urls.gateway}/orders`, {
    token: person.token,
    raw: nested,
    headers: { 'content-type': 'application/json', 'idempotency-key': uniqueName('key') },
  })
  expect(answer.status).toBe(400)
  const orders = await call<Order[]>('GET', `${shop.urls.gateway}/orders`, { token: person.token })
  expect(orders.body.count).toBe(0)
})
