import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, expectFailure, type ShopClient, shopClient } from '../../contract/shop/client.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'
import { uniqueName } from '../../support/unique-name.ts'

let running: RunningArrangement
let shop: ShopClient

beforeAll(async () => {
  running = await startArrangement('all', { GUICHET_LIMITS_SCALE: '1' })
  shop = shopClient(running)
})
afterAll(() => running?.stop())

test('S-25 S-31 too many sign-ins or registrations are 429 RATE_LIMITED and say when to come back', async () => {
  const login = (address: string) =>
    shop.post('/auth/login', {
      json: { username: uniqueName('nobody'), password: 'not the password' },
      // What a stranger claims of his address changes nothing.
      headers: { 'x-forwarded-for': address, forwarded: `for=${address}` },
    })
  let last: Answer<unknown> | undefined
  let passed = 0
  for (let index = 0; index < 1000; index += 1) {
    last = await login(`203.0.113.${index % 250}`)
    if (last.status === 429) break
    expectFailure(last, 401, 'INVALID_CREDENTIALS')
    expect(last.headers.get('ratelimit')).toMatch(/;r=\d+;t=\d+$/)
    expect(last.headers.get('ratelimit-policy')).toMatch(/;q=\d+;w=\d+$/)
    passed += 1
  }
  expectFailure(last!, 429, 'RATE_LIMITED')
  expect(passed).toBeGreaterThanOrEqual(5)
  expect(passed).toBe(Number(/;q=(\d+);/.exec(last!.headers.get('ratelimit-policy') ?? '')?.[1]))
  expect(Number(last!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(Number(last!.headers.get('retry-after'))).toBeLessThanOrEqual(60)
  expect(last!.headers.get('ratelimit')).toMatch(/;r=0;t=\d+$/)

  // Each of the two routes has a count of its own.
  const json = { username: uniqueName('somebody'), password: 'long enough' }
  let register = await shop.post('/auth/register', { json })
  expect(register.status).toBe(201)
  for (let index = 0; index < 1000 && register.status !== 429; index += 1) {
    register = await shop.post('/auth/register', { json: { ...json, password: 'short' } })
  }
  expectFailure(register, 429, 'RATE_LIMITED')
  expect(register.headers.get('retry-after')).toMatch(/^\d+$/)

  expect((await shop.get('/products')).status, 'the rest of the shop goes on').toBe(200)
  expect((await shop.get('/health')).status).toBe(200)
})
