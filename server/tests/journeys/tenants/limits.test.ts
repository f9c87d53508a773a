import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  expectFailure,
  password,
  type TenantsClient,
  tenantsClient,
  uniqueEmail,
} from '../../contract/tenants/client.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'
import { type Answer, call } from '../../support/http-call.ts'
import { claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'

let running: RunningArrangement
let api: TenantsClient

beforeAll(async () => {
  running = await startArrangement('tenants', { GUICHET_LIMITS_SCALE: '1' })
  api = tenantsClient(running)
})
afterAll(() => running?.stop())

const person = (tenant_name: string) => ({ email: uniqueEmail(), password, full_name: 'First', tenant_name })

// The first test: nobody has registered before it, and five registrations a minute are all there are.
test('T-06 T-59 of several who register first at once exactly one becomes the vendor; the sixth in a minute is 429', async () => {
  const first = Array.from({ length: 4 }, () => person(uniqueName('tenant')))
  const answers = await Promise.all(first.map((json) => api.post('/api/register', json)))
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201])
  const roles = await Promise.all(
    first.map(
      async ({ email, tenant_name: tenant }) =>
        claimsOf((await api.signIn({ email, password, tenant })).access_token).role,
    ),
  )
  expect(roles.sort()).toEqual(['tenant_admin', 'tenant_admin', 'tenant_admin', 'vendor_admin'])

  expect((await api.post('/api/register', {})).status, 'the fifth').toBe(400)
  const headers = { 'x-forwarded-for': '203.0.113.7' }
  const sixth = await api.post('/api/register', person('late'), { headers })
  expectTooMany(sixth, 'register', 5)
  expect(await api.rows(`SELECT 1 FROM tenants WHERE name = 'late'`)).toEqual([])
})

function expectTooMany(answer: Answer<unknown>, limit: string, points: number) {
  expectFailure(answer, 429, 'Too many requests')
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60)
  expect(answer.headers.get('ratelimit-policy')).toBe(`"${limit}";q=${points};w=60`)
}

test('T-59 people behind one address sign in one after another, as many as there are', async () => {
  const [somebody] = await api.rows<{ email: string; tenant: string }>(
    `SELECT email, tenants.name AS tenant FROM accounts JOIN tenants ON tenants.id = tenant_id WHERE tenants.name <> 'main' LIMIT 1`,
  )
  const credentials = { email: somebody!.email, password, tenant: somebody!.tenant }
  for (let index = 0; index < 12; index += 1) await api.signIn(credentials)
})

test('T-59 sign-ins have a count of their own, five a minute, whoever is tried', async () => {
  const login = () => api.post('/api/login', { email: uniqueEmail(), password, tenant_name: 'nowhere' })
  // Those that succeeded above gave their points back.
  for (let index = 0; index < 5; index += 1) expectFailure(await login(), 401, 'Invalid credentials')
  expectTooMany(await login(), 'credentials', 5)
  expect((await call('GET', api.at('/health'))).status, 'the rest goes on').toBe(200)
})

test('T-59 aliases share the count of the routes that they are of', async () => {
  const credentials = { email: uniqueEmail(), password, tenant_name: 'nowhere' }
  expectTooMany(await api.post('/api/v1/auth/login', credentials), 'credentials', 5)
  expectTooMany(await api.post('/api/v1/users/register', person('late')), 'register', 5)
})

test('T-59 a reset can be asked for five times a minute', async () => {
  const request = () => api.post('/api/reset-password', { email: uniqueEmail() })
  for (let index = 0; index < 5; index += 1) expect((await request()).status).toBe(200)
  expectTooMany(await request(), 'mail', 5)
})
