import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Answer,
  call,
  expectFailure,
  expectNotVerified,
  goodPassword,
  type HelpdeskClient,
  helpdeskClient,
  type TokenAnswer,
  uniqueEmail,
} from '../../contract/helpdesk/client.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'
import { claimsOf, forgeToken } from '../../support/tokens.ts'

const secret = 'your-very-long-secret-key, long enough'
let running: RunningArrangement
let helpdesk: HelpdeskClient

beforeAll(async () => {
  // The reference's names, which count in the helpdesk's own topology.
  running = await startArrangement('helpdesk', { GUICHET_LIMITS_SCALE: '1', JWT_EXPIRES_IN: '4m', JWT_SECRET: secret })
  helpdesk = helpdeskClient(running)
})
afterAll(() => running?.stop())

/** Asks until it is refused; gives the answers before, and the refusal. */
async function untilRefused(ask: () => Promise<Answer<unknown>>, most = 200) {
  const passed: Answer<unknown>[] = []
  for (;;) {
    const answer = await ask()
    if (answer.status === 429) return { passed, refused: answer }
    passed.push(answer)
    expect(passed.length).toBeLessThan(most)
  }
}

let token: string

test('H-33 H-50 JWT_EXPIRES_IN sets how long a token lives, and the answer says it', async () => {
  const json = { email: uniqueEmail(), password: goodPassword }
  const made = await helpdesk.post<TokenAnswer>('/api/auth/register', { json })
  expect(made.status, made.text).toBe(201)
  expect(made.body.expiresIn).toBe('4m')
  token = made.body.accessToken
})

test('H-20 H-18 a token with less than five minutes left is answered with a warning', async () => {
  const own = await helpdesk.get<{ data: { id: string } }>('/api/auth/me', { token })
  const { id } = own.body.data
  for (const answer of [own, await helpdesk.get(`/api/auth/users/${id}`, { token })]) {
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-token-expires-soon')).toBe('true')
    const left = Number(answer.headers.get('x-token-expires-in'))
    expect(left).toBeGreaterThan(200)
    expect(left).toBeLessThanOrEqual(240)
  }
})

test('H-32 H-69 with JWT_SECRET tokens are HS256 of that secret; of those signed with it only fitting ones are good', async () => {
  const claims = claimsOf(token)
  const header = { alg: 'HS256', typ: 'JWT' }
  const now = Math.floor(Date.now() / 1000)
  const verify = (one: string) => call('GET', helpdesk.at('/api/auth/verify'), { token: one })
  expect((await verify(token)).status).toBe(200)
  expect((await verify(forgeToken(header, { ...claims, jti: 'ours' }, secret))).status).toBe(200)
  const bad = {
    expired: forgeToken(header, { ...claims, iat: now - 600, exp: now - 60 }, secret),
    'another audience': forgeToken(header, { ...claims, aud: 'shop' }, secret),
    'another secret': forgeToken(header, claims, `${secret}.`),
  }
  for (const [name, one] of Object.entries(bad)) expectNotVerified(await verify(one), name)
})

test('H-49 five tries of a quarter of an hour, of each route by itself; then 429 with RateLimit headers', async () => {
  const tries = {
    login: () => helpdesk.login(uniqueEmail(), 'Wrong-horse7'),
    forgot: () => helpdesk.post('/api/auth/forgot-password', { json: { email: uniqueEmail() } }),
    reset: () => helpdesk.post('/api/auth/reset-password', { json: { token: 'x', password: goodPassword } }),
  }
  for (const [name, ask] of Object.entries(tries)) {
    const { passed, refused } = await untilRefused(ask)
    expect(passed, name).toHaveLength(5)
    expectFailure(refused, 429, 'RATE_LIMITED')
    expect(refused.headers.get('ratelimit-policy')).toMatch(/;q=5;w=900$/)
    expect(refused.headers.get('ratelimit')).toMatch(/;r=0;t=\d+$/)
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(800)
    expect(wait).toBeLessThanOrEqual(900)
  }
  expect((await helpdesk.get('/api/auth/me', { token })).status, 'the rest goes on').toBe(200)
})

test('H-49 a hundred reads of a quarter of an hour', async () => {
  const { passed, refused } = await untilRefused(() => helpdesk.get('/api/auth/me', { token }))
  expect(passed.length).toBeGreaterThan(90)
  expect(passed.length).toBeLessThanOrEqual(100)
  expectFailure(refused, 429, 'RATE_LIMITED')
  expect((await helpdesk.get('/health')).status, 'health is not counted').toBe(200)
})

test('H-18 calls of another service are not counted', async () => {
  const service = await helpdesk.serviceToken()
  const path = '/api/auth/users/email/nobody%40example.org'
  const answers = await Promise.all(Array.from({ length: 120 }, () => helpdesk.get(path, { token: service })))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]))
})
