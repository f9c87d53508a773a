import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Answer,
  type ClientsClient,
  clientsClient,
  expectFailure,
  uniqueEmail,
  unknownId,
} from '../../contract/clients/client.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'

let running: RunningArrangement
let clients: ClientsClient

beforeAll(async () => {
  running = await startArrangement('clients', { GUICHET_LIMITS_SCALE: '1' })
  clients = clientsClient(running)
})
afterAll(() => running?.stop())

/** Asks until it is refused; gives the refusal and how many passed before it. */
async function untilRefused(ask: () => Promise<Answer<unknown>>) {
  for (let passed = 0; passed < 50; passed += 1) {
    const answer = await ask()
    if (answer.status === 429) return { answer, passed }
  }
  throw new Error('50 requests were all let in')
}

const routes = {
  login: () => clients.post('/api/v1/auth/login', { email: uniqueEmail(), password: 'not the password' }),
  verify_mfa: () => clients.post('/api/v1/auth/verify_mfa', { session_token: uniqueEmail(), mfa_code: '123456' }),
  registration: () => clients.post('/api/v1/clients', { client: { email: uniqueEmail() } }),
  resend: () => clients.post(`/api/v1/clients/${unknownId}/resend_verification`),
}

test('C-06 C-08 C-10 C-11 too many tries are 429 RATE_LIMITED with Retry-After, each route by itself', async () => {
  for (const [name, ask] of Object.entries(routes)) {
    const { answer, passed } = await untilRefused(ask)
    expectFailure(answer, 429, 'RATE_LIMITED', 0, name)
    expect(passed, name).toBe(name === 'resend' ? 5 : 10)
    const retryAfter = Number(answer.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThanOrEqual(1)
    expect(retryAfter).toBeLessThanOrEqual(60)
    expect(answer.headers.get('ratelimit')).toMatch(/;r=0;t=\d+$/)
  }
  expect((await fetch(clients.at('/health'))).status, 'the rest goes on').toBe(200)
})
