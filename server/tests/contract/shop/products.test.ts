import { expect, inject, test } from 'vitest'
import { call, expectFailure, momentOf, type Order, type Product, shopClient, timeText } from './client.ts'

const shop = shopClient(inject('arrangement'))

const shape = {
  id: expect.any(Number),
  name: expect.stringMatching(/\S/),
  price: expect.any(Number),
  stock: expect.any(Number),
  date_creation: expect.stringMatching(timeText),
}

test('S-06 S-35 S-56 the list is public, ordered by id, and begins with the five products of the reference', async () => {
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const answer = await call<Product[]>('GET', `${base}/products`)
    expect(answer.status).toBe(200)
    const { data } = answer.body
    expect(answer.body).toEqual({ success: true, data, count: data.length })
    for (const product of data) {
      expect(product).toEqual({ ...shape, description: product.description })
      expect(product.description === null || typeof product.description === 'string').toBe(true)
    }
    expect(data.map(({ id }) => id)).toEqual(data.map(({ id }) => id).sort((a, b) => a - b))
    expect(data.slice(0, 5)).toMatchObject([
      { id: 1, price: 1299, stock: 10 },
      { id: 2, price: 1199, stock: 15 },
      { id: 3, price: 399, stock: 20 },
      { id: 4, price: 699, stock: 12 },
      { id: 5, price: 349, stock: 18 },
    ])
  }
})

test('S-35 limit and offset page the list; what is out of bounds is 400', async () => {
  const ids = async (query: string) => (await shop.get<Product[]>(`/products?${query}`)).body.data.map(({ id }) => id)
  expect(await ids('limit=2')).toEqual([1, 2])
  expect(await ids('limit=2&offset=1')).toEqual([2, 3])
  expect(await ids('offset=1&limit=1')).toEqual([2])
  expect((await shop.get('/products?limit=2')).body.count).toBe(2)
  expect((await shop.get('/products?offset=100000')).body).toEqual({ success: true, data: [], count: 0 })
  expect((await shop.get('/products?limit=1000')).status).toBe(200)
  for (const query of ['limit=0', 'limit=-1', 'limit=1001', 'limit=x', 'offset=-1', 'offset=x', 'offset=1e99']) {
    const answer = await shop.get(`/products?${query}`)
    expectFailure(answer, 400, answer.body.error?.code ?? 'an error', query)
  }
})

test('S-36 a product is public and has the shape of the contract, at the gateway and at the orders service', async () => {
  const [id] = await shop.importProducts([{ price: 19.99, stock: 3, description: 'Fox 🦊 <b>red</b>' }])
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const answer = await call<Product>('GET', `${base}/products/${id}`)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      data: { ...shape, id, price: 19.99, stock: 3, description: 'Fox 🦊 <b>red</b>' },
    })
    expect(Math.abs(Date.now() - momentOf(answer.body.data.date_creation))).toBeLessThan(60_000)
  }
  const [bare] = await shop.importProducts([{ price: 0, stock: 0 }])
  expect((await shop.get<Product>(`/products/${bare}`)).body.data).toMatchObject({
    price: 0,
    stock: 0,
    description: null,
  })
})

test('S-36 ids that no product has are 404 PRODUCT_NOT_FOUND', async () => {
  for (const id of [
    '0',
    '-1',
    '1.5',
    'abc',
    '1e0',
    '999999999',
    '99999999999999999999',
    '%F0%9F%A6%8A',
    '%00',
    '1%20',
  ]) {
    expectFailure(await shop.get(`/products/${id}`), 404, 'PRODUCT_NOT_FOUND', id)
  }
})

test('S-35 S-36 a bad token does not close what is public', async () => {
  for (const path of ['/products', '/products/1']) expect((await shop.get(path, { token: 'x.y.z' })).status).toBe(200)
})

test('S-54 S-55 S-56 S-57 the full test of the reference: login, profile, products, an order of two of product 1', async () => {
  const token = await shop.admin()
  expect((await shop.get('/users/profile', { token })).status).toBe(200)
  expect((await shop.get('/products')).status).toBe(200)
  const stock = await shop.stockOf(1)
  const json = { items: [{ product_id: 1, quantity: 2 }] }
  const placed = await shop.post<Order>('/orders', { token, json })
  expect(placed.status).toBe(201)
  expect(placed.body.data).toMatchObject({ user_id: 'admin', total: 2598, status: 'pending' })
  expect(await shop.stockOf(1)).toBe(stock - 2)
  expect(await shop.orderEvents(placed.body.data.id)).toEqual(['order.placed'])
  // Given back, for whoever looks at the demo's stock.
  await shop.put(`/orders/${placed.body.data.id}`, { token, json: { status: 'cancelled' } })
})

test('S-35 the list shows a stock that an order has just taken', async () => {
  const [[id], { token }] = await Promise.all([shop.importProducts([{ price: 1, stock: 9 }]), shop.register()])
  const listed = async () =>
    (await shop.get<Product[]>('/products')).body.data.find((product) => product.id === id)?.stock
  for (const left of [8, 7, 6]) {
    const json = { items: [{ product_id: id, quantity: 1 }] }
    expect((await shop.post('/orders', { token, json })).status).toBe(201)
    expect(await listed()).toBe(left)
  }
})
