import { beforeAll, describe, expect, inject, test } from 'vitest'
import { call, expectFailure, type Order, type Person, shopClient } from './client.ts'

const shop = shopClient(inject('arrangement'))

const statuses = ['pending', 'confirmed', 'shipped', 'delivered', 'cancelled'] as const
type Status = (typeof statuses)[number]

/** The steps of the contract, and how an order gets to a status. */
const legal: Record<Status, readonly Status[]> = {
  pending: ['confirmed', 'cancelled'],
  confirmed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}
const wayTo: Record<Status, readonly Status[]> = {
  pending: [],
  confirmed: ['confirmed'],
  shipped: ['confirmed', 'shipped'],
  delivered: ['confirmed', 'shipped', 'delivered'],
  cancelled: ['cancelled'],
}

let product: number
let owner: Person
let admin: string

beforeAll(async () => {
  const made = await Promise.all([
    shop.importProducts([{ price: 7, stock: 100_000 }]),
    shop.register('owner'),
    shop.admin(),
  ])
  product = made[0][0]!
  owner = made[1]
  admin = made[2]
})

const put = (number: number | string, json: unknown, token: string, base = shop.urls.gateway) =>
  call<Order>('PUT', `${base}/orders/${number}`, { token, json })

/** An order that has reached a status. */
async function orderIn(status: Status, productId = product): Promise<Order> {
  const json = { items: [{ product_id: productId, quantity: 3 }] }
  let answer = await shop.post<Order>('/orders', { token: owner.token, json })
  expect(answer.status, answer.text).toBe(201)
  for (const step of wayTo[status]) {
    answer = await put(answer.body.data.id, { status: step }, admin)
    expect(answer.status, answer.text).toBe(200)
  }
  return answer.body.data
}

describe.each(statuses)('from %s', (from) => {
  test.each(statuses)(
    'S-40 to %s: the administrator takes every legal step, the owner cancels while pending',
    async (to) => {
      for (const [who, token] of [
        ['admin', admin],
        ['owner', owner.token],
      ] as const) {
        const order = await orderIn(from)
        const events = await shop.orderEvents(order.id)
        expect(events).toEqual(['order.placed', ...wayTo[from].map(() => 'order.status_changed')])
        const answer = await put(order.id, { status: to }, token)

        const same = from === to
        const step = legal[from].includes(to)
        const allowed = step && (who === 'admin' || (from === 'pending' && to === 'cancelled'))
        if (same || allowed) {
          expect(answer.status, who).toBe(200)
          const data = { ...order, status: to }
          expect(answer.body).toEqual({ success: true, message: expect.stringMatching(/\S/), data })
        } else if (step) expectFailure(answer, 403, 'FORBIDDEN', who)
        else expectFailure(answer, 409, 'INVALID_TRANSITION', who)

        const after = await shop.get<Order>(`/orders/${order.id}`, { token: owner.token })
        expect(after.body.data).toEqual({ ...order, status: allowed ? to : from })
        expect(await shop.orderEvents(order.id)).toEqual(allowed ? [...events, 'order.status_changed'] : events)
      }
    },
  )
})

test('S-40 a missing status is MISSING_STATUS, an unknown one INVALID_STATUS; nothing changes, no event', async () => {
  const { id } = await orderIn('pending')
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    for (const json of [{}, [], null, { state: 'confirmed' }]) {
      expectFailure(await put(id, json, admin, base), 400, 'MISSING_STATUS', JSON.stringify(json))
    }
    for (const status of [
      'paid',
      'Pending',
      'PENDING',
      ' pending',
      'pending\u0000',
      5,
      true,
      [],
      ['pending'],
      {},
      'x'.repeat(60_000),
    ]) {
      const answer = await put(id, { status }, admin, base)
      expectFailure(answer, 400, 'INVALID_STATUS', JSON.stringify(status).slice(0, 40))
    }
  }
  expectFailure(await call('PUT', `${shop.urls.gateway}/orders/${id}`, { token: admin }), 400, 'MISSING_STATUS')
  expect((await shop.get<Order>(`/orders/${id}`, { token: admin })).body.data.status).toBe('pending')
  expect(await shop.orderEvents(id)).toEqual(['order.placed'])
})

test("S-40 somebody else's order is 404 like one that never was, byte for byte; no event", async () => {
  const { id } = await orderIn('pending')
  const other = await shop.register()
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const absent = await put(999_999_999, { status: 'cancelled' }, other.token, base)
    expectFailure(absent, 404, 'ORDER_NOT_FOUND')
    for (const status of ['cancelled', 'confirmed', 'pending', 'delivered']) {
      const answer = await put(id, { status }, other.token, base)
      expect([answer.status, answer.text]).toEqual([404, absent.text])
    }
  }
  for (const number of [0, -1, '1.5', 'abc', '99999999999999999999']) {
    expectFailure(await put(number, { status: 'cancelled' }, admin), 404, 'ORDER_NOT_FOUND', String(number))
  }
  expect(await shop.orderEvents(id)).toEqual(['order.placed'])
})

test('S-40 20 parallel cancels give the stock back exactly once; one order.status_changed', async () => {
  const [own] = await shop.importProducts([{ price: 7, stock: 10 }])
  const { id } = await orderIn('pending', own)
  expect(await shop.stockOf(own!)).toBe(7)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => put(id, { status: 'cancelled' }, index % 2 === 0 ? admin : owner.token)),
  )
  for (const { status, body } of answers) {
    expect(status).toBe(200)
    expect(body.data.status).toBe('cancelled')
  }
  expect(await shop.stockOf(own!)).toBe(10)
  expect(await shop.orderEvents(id)).toEqual(['order.placed', 'order.status_changed'])
})

test('S-40 a confirmed order that is cancelled gives its stock back, a shipped one keeps it', async () => {
  const [own] = await shop.importProducts([{ price: 7, stock: 10 }])
  const confirmed = await orderIn('confirmed', own)
  const shipped = await orderIn('shipped', own)
  expect(await shop.stockOf(own!)).toBe(4)
  expect((await put(confirmed.id, { status: 'cancelled' }, admin, shop.urls.orders)).status).toBe(200)
  expectFailure(await put(shipped.id, { status: 'cancelled' }, admin, shop.urls.orders), 409, 'INVALID_TRANSITION')
  expect(await shop.stockOf(own!)).toBe(7)
})

test('S-40 of a confirm and a cancel at once the order ends in one history, and the stock agrees', async () => {
  const [own] = await shop.importProducts([{ price: 7, stock: 100 }])
  const orders = await Promise.all(Array.from({ length: 10 }, () => orderIn('pending', own)))
  await Promise.all(
    orders.flatMap(({ id }) => [
      put(id, { status: 'confirmed' }, admin),
      put(id, { status: 'cancelled' }, owner.token),
      put(id, { status: 'shipped' }, admin),
    ]),
  )
  let kept = 0
  for (const { id } of orders) {
    const { status } = (await shop.get<Order>(`/orders/${id}`, { token: admin })).body.data
    if (status !== 'cancelled') kept += 3
    const steps = (await shop.orderEvents(id)).length - 1
    expect({ status, steps }).toEqual({ status, steps: wayTo[status as Status].length })
  }
  expect(await shop.stockOf(own!)).toBe(100 - kept)
})
