import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  expectFailure,
  goodPassword,
  type HelpdeskClient,
  helpdeskClient,
  type TokenAnswer,
  uniqueEmail,
} from '../../contract/helpdesk/client.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'

let running: RunningArrangement
let helpdesk: HelpdeskClient

beforeAll(async () => {
  running = await startArrangement('helpdesk', {
    GUICHET_DEV: 'false',
    NODE_ENV: 'production',
    GUICHET_SECRET: 'a secret of production, for a test only',
    GUICHET_APP_URL: 'https://desk.example.org',
    GUICHET_LIMITS_SCALE: '',
    GUICHET_ARGON2_MEMORY_KIB: '',
    GUICHET_ARGON2_PASSES: '',
  })
  helpdesk = helpdeskClient(running)
})
afterAll(() => running?.stop())

const email = uniqueEmail()

test('H-14 outside development the cookie is Secure', async () => {
  const json = { email, password: goodPassword }
  const made = await helpdesk.post<TokenAnswer>('/api/auth/register', { json })
  expect(made.status, made.text).toBe(201)
  expect(made.cookies.refreshToken?.attributes).toMatchObject({ secure: '', httponly: '', samesite: 'Strict' })
  const refreshed = await helpdesk.post('/api/auth/refresh', { cookie: `refreshToken=${made.body.refreshToken}` })
  expect(refreshed.status).toBe(200)
  const cleared = await helpdesk.post('/api/auth/refresh')
  expect(cleared.cookies.refreshToken?.attributes).toMatchObject({ secure: '', 'max-age': '0' })
})

test('H-15 outside development no answer shows a token that is mailed', async () => {
  const forgotten = await helpdesk.post('/api/auth/forgot-password', { json: { email } })
  expect(forgotten.status).toBe(200)
  expect(forgotten.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })
})

test('H-15 outside development there are no demo accounts', async () => {
  for (const [name, password] of [
    ['admin@helpdesk.example', 'Admin123!'],
    ['user@helpdesk.example', 'User123!'],
  ] as const) {
    expectFailure(await helpdesk.login(name, password), 401, 'INVALID_CREDENTIALS')
  }
})

test('H-28 H-56 health says that it is production', async () => {
  expect((await helpdesk.get('/health')).body).toMatchObject({ status: 'healthy', environment: 'production' })
})
