import { expect, inject, test } from 'vitest'
import {
  type Answer,
  expectFailure,
  expectInvalid,
  expectTokens,
  type Failed,
  goodPassword,
  helpdeskClient,
  type TokenAnswer,
  uniqueEmail,
} from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const wrong = 'Wrong-horse7'

/** What an account with the second factor on is answered: the error form, and how to go on. */
function expectSecondFactor(answer: Answer<unknown>): { session_token: string; mfa_code: string } {
  const { session_token, mfa_code } = answer.body as Failed
  expectFailure(answer, 403, 'MFA_REQUIRED', {
    session_token: expect.stringMatching(/^[\w-]{43}$/),
    mfa_code: expect.stringMatching(/^[1-9]\d{5}$/),
  })
  expect(answer.cookies.refreshToken).toBeUndefined()
  return { session_token: session_token!, mfa_code: mfa_code! }
}

const withSecondFactor = async () => {
  const person = await helpdesk.register()
  await helpdesk.rows('UPDATE accounts SET second_factor = true, email_verified_at = now() WHERE id = $1', [person.id])
  return person
}

const secondCall = (json: unknown) => helpdesk.post<TokenAnswer>('/api/auth/login', { json })

test('H-15 a login answers with the tokens and the cookie; user.login is recorded', async () => {
  const { email, password, id } = await helpdesk.register()
  expectTokens(await helpdesk.login(email, password), 200, email)
  expectTokens(await helpdesk.login(` ${email.toUpperCase()} `, password), 200, email)
  expect((await helpdesk.recorded(id)).filter((type) => type === 'user.login')).toHaveLength(3)
})

test('H-15 the demo accounts of development sign in', async () => {
  const admin = await helpdesk.login('admin@helpdesk.example', 'Admin123!')
  expectTokens(admin, 200, 'admin@helpdesk.example', 'admin')
  const user = await helpdesk.login('user@helpdesk.example', 'User123!')
  expectTokens(user, 200, 'user@helpdesk.example')
})

test('H-15 wrong password and unknown address are one and the same 401, without a cookie', async () => {
  const { email } = await helpdesk.register()
  const answers = [await helpdesk.login(email, wrong), await helpdesk.login(uniqueEmail(), wrong)]
  for (const answer of answers) {
    expectFailure(answer, 401, 'INVALID_CREDENTIALS')
    expect(answer.headers.getSetCookie()).toEqual([])
  }
  expect(answers[0]?.text).toBe(answers[1]?.text)
})

test('H-53 what is missing or of another type is 400 with the field', async () => {
  const email = uniqueEmail()
  const cases: [unknown, string][] = [
    [{}, 'email'],
    [{ password: 'x' }, 'email'],
    [{ email }, 'password'],
    [{ email, password: '' }, 'password'],
    [{ email, password: 5 }, 'password'],
    [{ email: 'nobody', password: 'x' }, 'email'],
    [{ email: { $ne: null }, password: { $ne: null } }, 'email'],
  ]
  for (const [json, field] of cases) expectInvalid(await helpdesk.post('/api/auth/login', { json }), field)
})

test('H-15 five failures lock for 15 minutes: the right password is refused with the same words; user.locked', async () => {
  const { email, password, id } = await helpdesk.register()
  const headers = { 'user-agent': 'test' }
  const texts = new Set<string>()
  for (let index = 0; index < 5; index += 1) texts.add((await helpdesk.login(email, wrong, { headers })).text)
  const locked = await helpdesk.login(email, password)
  expectFailure(locked, 401, 'INVALID_CREDENTIALS')
  expect([...texts, locked.text].filter((text) => text !== locked.text)).toEqual([])
  expect((await helpdesk.recorded(id)).filter((type) => type === 'user.locked')).toHaveLength(1)
  const [counter] = await helpdesk.rows<{ seconds: number }>(
    'SELECT extract(epoch FROM locked_until - now())::int AS seconds FROM sign_in_counters WHERE account_id = $1 AND locked_until > now()',
    [id],
  )
  expect(counter?.seconds).toBeGreaterThan(14 * 60)
  expect(counter?.seconds).toBeLessThanOrEqual(15 * 60)

  await helpdesk.lockOver(id)
  expectFailure(await helpdesk.login(email, wrong), 401, 'INVALID_CREDENTIALS')
  expectTokens(await helpdesk.login(email, password), 200, email)
})

test('H-15 a success resets the count', async () => {
  const { email, password } = await helpdesk.register()
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 4; index += 1) await helpdesk.login(email, wrong)
    expectTokens(await helpdesk.login(email, password), 200, email)
  }
})

test('H-15 a deactivated account is told so after the right password only', async () => {
  const { email, password, id } = await helpdesk.register()
  await helpdesk.rows("UPDATE memberships SET state = 'inactive' WHERE account_id = $1", [id])
  expectFailure(await helpdesk.login(email, wrong), 401, 'INVALID_CREDENTIALS')
  expectFailure(await helpdesk.login(email, password), 403, 'ACCOUNT_DEACTIVATED')
})

test('H-15 an account with the second factor is asked for its code, by the same address', async () => {
  const { email, password } = await withSecondFactor()
  const { session_token, mfa_code } = expectSecondFactor(await helpdesk.login(email, password))
  expectTokens(await secondCall({ session_token, mfa_code }), 200, email)
  expectFailure(await secondCall({ session_token, mfa_code }), 401, 'INVALID_CREDENTIALS')
})

test('H-15 a wrong code is answered as a wrong password, and the second call comes before the credentials', async () => {
  const { email, password } = await withSecondFactor()
  const { session_token, mfa_code } = expectSecondFactor(await helpdesk.login(email, password))
  const other = mfa_code === '100000' ? '100001' : '100000'
  const refused = await secondCall({ session_token, mfa_code: other })
  expectFailure(refused, 401, 'INVALID_CREDENTIALS')
  expect(refused.text).toBe((await helpdesk.login(uniqueEmail(), wrong)).text)
  expectTokens(await secondCall({ session_token, mfa_code, email: 5, password: null }), 200, email)
  expectFailure(await secondCall({ session_token: 'x', mfa_code }), 401, 'INVALID_CREDENTIALS')
})

test('H-15 a password that nobody may set can still be tried', async () => {
  expectFailure(await helpdesk.login(uniqueEmail(), 'x'.repeat(5_000)), 401, 'INVALID_CREDENTIALS')
  const { email } = await helpdesk.register()
  expectFailure(await helpdesk.login(email, `${goodPassword} `), 401, 'INVALID_CREDENTIALS')
})
