import { expect, inject, test } from 'vitest'
import { uniqueName } from '../../support/unique-name.ts'
import { call, expectFailure, momentOf, type Order, type Product, shopClient, timeText } from './client.ts'

const shop = shopClient(inject('arrangement'))

const place = (token: string, items: unknown, base = shop.urls.gateway) =>
  call<Order>('POST', `${base}/orders`, { token, json: { items } })

test('S-06 S-38 S-57 an order takes its prices from the database and keeps one line per line sent; one order.placed', async () => {
  const [[fox, owl], person] = await Promise.all([
    shop.importProducts([
      { price: 19.99, stock: 10 },
      { price: 0.1, stock: 10 },
    ]),
    shop.register(),
  ])
  const names = await Promise.all(
    [fox, owl].map(async (id) => (await shop.get<Product>(`/products/${id}`)).body.data.name),
  )
  const items = [
    { product_id: owl, quantity: 3, price: 0, total: -5 },
    { product_id: fox, quantity: 2, price: 0 },
    { product_id: owl, quantity: 4 },
  ]
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const json = { items, total: 0, status: 'delivered', user_id: 'admin' }
    const answer = await call<Order>('POST', `${base}/orders`, { token: person.token, json })
    expect(answer.status, answer.text).toBe(201)
    const { id } = answer.body.data
    const line = (product_id: number, product_name: string, quantity: number, price: number) => ({
      id: expect.any(Number),
      order_id: id,
      product_id,
      product_name,
      quantity,
      price,
    })
    expect(answer.body).toEqual({
      success: true,
      message: expect.stringMatching(/\S/),
      data: {
        id: expect.any(Number),
        user_id: person.username,
        total: 40.68,
        status: 'pending',
        date_creation: expect.stringMatching(timeText),
        items: [line(owl!, names[1]!, 3, 0.1), line(fox!, names[0]!, 2, 19.99), line(owl!, names[1]!, 4, 0.1)],
      },
    })
    expect(Math.abs(Date.now() - momentOf(answer.body.data.date_creation))).toBeLessThan(60_000)
    expect(await shop.orderEvents(id)).toEqual(['order.placed'])
    const read = await call<Order>('GET', `${base}/orders/${id}`, { token: person.token })
    expect(read.body).toEqual({ success: true, data: answer.body.data })

    // The second one finds three owls only: nothing of it may happen.
    expectFailure(await place(person.token, items, base), 400, 'ORDER_CREATION_FAILED')
    expect(await shop.stockOf(fox!)).toBe(8)
    expect(await shop.stockOf(owl!)).toBe(3)
    await shop.put(`/orders/${id}`, { token: person.token, json: { status: 'cancelled' } })
    expect([await shop.stockOf(fox!), await shop.stockOf(owl!)]).toEqual([10, 10])
  }
})

test('S-38 S-49 an order keeps its price when the product changes', async () => {
  const [[id], person] = await Promise.all([shop.importProducts([{ price: 10, stock: 5 }]), shop.register()])
  const placed = await place(person.token, [{ product_id: id, quantity: 2 }])
  await shop.rows('orders', 'UPDATE products SET price_cents = 99900 WHERE id = $1', [id])
  const read = await shop.get<Order>(`/orders/${placed.body.data.id}`, { token: person.token })
  expect(read.body.data).toEqual(placed.body.data)
  expect(read.body.data).toMatchObject({ total: 20, items: [{ price: 10 }] })
})

test('S-38 repeated lines are added up before the stock is judged', async () => {
  const [[id], person] = await Promise.all([shop.importProducts([{ price: 1, stock: 10 }]), shop.register()])
  const line = (quantity: number) => ({ product_id: id, quantity })
  expectFailure(await place(person.token, [line(6), line(6)]), 400, 'ORDER_CREATION_FAILED')
  expectFailure(await place(person.token, Array(11).fill(line(1))), 400, 'ORDER_CREATION_FAILED')
  expect(await shop.stockOf(id!)).toBe(10)
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 0, events: 0 })
  const exact = await place(person.token, [line(4), line(6)])
  expect(exact.status).toBe(201)
  expect(exact.body.data.total).toBe(10)
  expect(await shop.stockOf(id!)).toBe(0)
})

test('S-38 S-49 100 lines and 1000 pieces a line are the most', async () => {
  const [[id], person] = await Promise.all([shop.importProducts([{ price: 0.01, stock: 2000 }]), shop.register()])
  const lines = (count: number) => Array.from({ length: count }, () => ({ product_id: id, quantity: 1 }))
  const placed = await place(person.token, lines(100))
  expect(placed.status).toBe(201)
  expect(placed.body.data.items).toHaveLength(100)
  expect(placed.body.data.total).toBe(1)
  expect((await place(person.token, [{ product_id: id, quantity: 1000 }])).status).toBe(201)
  expectFailure(await place(person.token, lines(101)), 400, 'ORDER_CREATION_FAILED')
  expectFailure(await place(person.token, [{ product_id: id, quantity: 1001 }]), 400, 'ORDER_CREATION_FAILED')
  expect(await shop.stockOf(id!)).toBe(900)
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 2, events: 2 })
})

test('S-38 without items, or with items that are no list, the answer is 400 MISSING_ITEMS; nothing changes, no event', async () => {
  const { token, claims } = await shop.register()
  const bodies: unknown[] = [
    {},
    [],
    null,
    'items',
    { items: [] },
    { items: {} },
    { items: null },
    { items: 5 },
    { items: '[]' },
  ]
  for (const json of bodies) {
    expectFailure(await shop.post('/orders', { token, json }), 400, 'MISSING_ITEMS', JSON.stringify(json))
  }
  expectFailure(await shop.post('/orders', { token }), 400, 'MISSING_ITEMS')
  expectFailure(await shop.post('/orders', { token, raw: '{"items": [' }), 400, 'MISSING_ITEMS')
  expect(await shop.ordersWritten(claims.uid)).toEqual({ orders: 0, events: 0 })
})

test('S-38 lines that cannot be ordered are 400 ORDER_CREATION_FAILED; nothing changes, no event', async () => {
  const [[id], person] = await Promise.all([shop.importProducts([{ price: 1, stock: 5000 }]), shop.register()])
  const quantities = [0, -1, 1001, 1.5, '2', 1e300, -1e300, null, true, [], {}, 2 ** 53]
  const products = [999_999_999, 0, -1, '1', String(id), 1.5, null, true, [id], {}, 2 ** 53, 1e300, 99_999_999_999]
  const lines: unknown[] = [
    ...quantities.map((quantity) => ({ product_id: id, quantity })),
    ...products.map((product_id) => ({ product_id, quantity: 1 })),
    { product_id: id },
    { quantity: 1 },
    {},
    null,
    [],
    'x',
    1,
  ]
  for (const line of lines) {
    for (const items of [[line], [{ product_id: id, quantity: 1 }, line]]) {
      const answer = await place(person.token, items)
      expectFailure(answer, 400, 'ORDER_CREATION_FAILED', JSON.stringify(items))
    }
  }
  // JSON numbers that no double holds.
  for (const quantity of ['1e400', '-1e400', '123456789012345678901234567890']) {
    const raw = `{"items":[{"product_id":${id},"quantity":${quantity}}]}`
    expectFailure(await shop.post('/orders', { token: person.token, raw }), 400, 'ORDER_CREATION_FAILED', quantity)
  }
  expect(await shop.stockOf(id!)).toBe(5000)
  expect((await shop.get('/orders', { token: person.token })).body).toEqual({ success: true, data: [], count: 0 })
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 0, events: 0 })
})

test('S-38 200 concurrent orders for a stock of 10: exactly 10 succeed', async () => {
  const [[id], ...people] = await Promise.all([
    shop.importProducts([{ price: 12.34, stock: 10 }]),
    ...Array.from({ length: 4 }, () => shop.register()),
  ])
  const items = [{ product_id: id, quantity: 1 }]
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => place(people[index % 4]!.token, items)))
  const placed = answers.filter(({ status }) => status === 201)
  expect(placed).toHaveLength(10)
  for (const answer of answers) if (answer.status !== 201) expectFailure(answer, 400, 'ORDER_CREATION_FAILED')
  expect(await shop.stockOf(id!)).toBe(0)

  const numbers = placed.map(({ body }) => body.data.id).sort((a, b) => a - b)
  const written = await shop.rows<{ number: number; total: number }>(
    'orders',
    `SELECT o.number::int, o.total_cents::int AS total FROM orders o JOIN order_items i ON i.order_id = o.id
      WHERE i.product_id = $1 ORDER BY o.number`,
    [id],
  )
  expect(written).toEqual(numbers.map((number) => ({ number, total: 1234 })))
  for (const { body } of placed) expect(body.data.total).toBe(12.34)
  const counts = await Promise.all(people.map(({ claims }) => shop.ordersWritten(claims.uid)))
  expect(counts.reduce((sum, { events }) => sum + events, 0)).toBe(10)
})

test('S-38 50 concurrent orders over two products in opposite order neither deadlock nor oversell', async () => {
  const [[fox, owl], person] = await Promise.all([
    shop.importProducts([
      { price: 1, stock: 30 },
      { price: 2, stock: 40 },
    ]),
    shop.register(),
  ])
  const lines = [
    { product_id: fox, quantity: 1 },
    { product_id: owl, quantity: 1 },
  ]
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => place(person.token, index % 2 === 0 ? lines : lines.toReversed())),
  )
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(30)
  for (const answer of answers) if (answer.status !== 201) expectFailure(answer, 400, 'ORDER_CREATION_FAILED')
  expect([await shop.stockOf(fox!), await shop.stockOf(owl!)]).toEqual([0, 10])
  expect(await shop.ordersWritten(person.claims.uid)).toEqual({ orders: 30, events: 30 })
})

test('S-37 the list holds the caller’s own orders, newest first, with their count and pages', async () => {
  const [[id], person, other] = await Promise.all([
    shop.importProducts([{ price: 3, stock: 50 }]),
    shop.register(),
    shop.register(),
  ])
  const numbers: number[] = []
  for (const quantity of [1, 2, 3]) {
    numbers.unshift((await place(person.token, [{ product_id: id, quantity }])).body.data.id)
    await place(other.token, [{ product_id: id, quantity }])
  }
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const answer = await call<Order[]>('GET', `${base}/orders`, { token: person.token })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      count: 3,
      data: numbers.map((number, index) => ({
        id: number,
        user_id: person.username,
        total: [9, 6, 3][index],
        status: 'pending',
        date_creation: expect.stringMatching(timeText),
      })),
    })
  }
  const ids = async (query: string) =>
    (await shop.get<Order[]>(`/orders?${query}`, { token: person.token })).body.data.map((order) => order.id)
  expect(await ids('limit=1')).toEqual(numbers.slice(0, 1))
  expect(await ids('limit=2&offset=1')).toEqual(numbers.slice(1))
  expect(await ids('offset=3')).toEqual([])
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'offset=-1']) {
    const answer = await shop.get(`/orders?${query}`, { token: person.token })
    expectFailure(answer, 400, answer.body.error?.code ?? 'an error', query)
  }
})

test('S-37 the list of somebody without orders is empty', async () => {
  const { token } = await shop.register()
  expect((await shop.get('/orders', { token })).body).toEqual({ success: true, data: [], count: 0 })
})

test("S-39 somebody else's order is 404 like one that never was, byte for byte; an administrator reads it", async () => {
  const [[id], person, other, admin] = await Promise.all([
    shop.importProducts([{ price: 3, stock: 5 }]),
    shop.register(),
    shop.register(),
    shop.admin(),
  ])
  const placed = await place(person.token, [{ product_id: id, quantity: 1 }])
  const { id: number } = placed.body.data
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const absent = await call('GET', `${base}/orders/999999999`, { token: other.token })
    expectFailure(absent, 404, 'ORDER_NOT_FOUND')
    for (const path of [number, 0, -1, '1.5', 'abc', '1e3', '99999999999999999999', '%00', uniqueName('x')]) {
      const answer = await call('GET', `${base}/orders/${path}`, { token: other.token })
      expect([answer.status, answer.text], String(path)).toEqual([404, absent.text])
    }
  }
  expect((await shop.get(`/orders/${number}`, { token: admin })).body.data).toEqual(placed.body.data)
})
