import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningArrangement, startArrangement } from '../support/arrangements.ts'

let shop: RunningArrangement

beforeAll(async () => {
  shop = await startArrangement('shop-in-four')
})

afterAll(async () => {
  await shop?.stop()
})

const request = (method: string, path: string, body = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** Pipelines requests behind a slow one and goes away without reading an answer. */
const abandon = (afterMs: number) =>
  new Promise<void>((resolve) => {
    const { hostname, port } = new URL(shop.urls.gateway)
    const socket = connect(Number(port), hostname, () => {
      socket.write(request('POST', '/auth/login', '{"username":"nobody","password":"password1"}'))
      socket.write(request('GET', '/products').repeat(30))
      setTimeout(() => socket.destroy(), afterMs)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
  })

const underWay = async (): Promise<number> => {
  const text = await (await fetch(`${shop.urls.gateway}/metrics`)).text()
  return Number(/^guichet_upstream_orders_requests (\d+)$/m.exec(text)?.[1])
}

test('clients that pipeline and go away leave nothing behind at the gateway', async () => {
  for (let wave = 0; wave < 4; wave += 1) {
    await Promise.all(Array.from({ length: 40 }, (_, index) => abandon(5 + (index % 10) * 4)))
  }
  await expect.poll(underWay, { timeout: 10_000 }).toBe(0)
  expect((await fetch(`${shop.urls.gateway}/products`)).status).toBe(200)
})
