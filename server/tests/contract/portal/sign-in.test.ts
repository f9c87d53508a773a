import { expect, inject, test } from 'vitest'
import {
  type Answer,
  expectCookies,
  expectFailure,
  type Person,
  portalClient,
  type SignedIn,
  someText,
  uniqueEmail,
  userLike,
} from './client.ts'

const portal = portalClient(inject('arrangement'))
const wrong = 'Wrong-horse7-battery'

const again = (json: unknown) => portal.post<SignedIn>('/auth/login', { json })

/** A sign-in that went well, exactly. */
function expectSignedIn(answer: Answer<SignedIn>, email: string, role = 'delivery_person') {
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toEqual({ user: userLike({ email, role }), message: someText })
  return expectCookies(answer)
}

/** Two answers in the same words; when they were given is another matter. */
const wordsOf = ({ body }: Answer<unknown>) => ({ ...(body as object), timestamp: undefined })

test('P-52 a sign-in answers the user, without regard to the case of the address, and sets both cookies', async () => {
  const { email, password, id } = await portal.register()
  const first = await portal.login(email, password)
  expectSignedIn(first, email)
  expect(first.body.user.id).toBe(id)
  expectSignedIn(await portal.login(` ${email.toUpperCase()} `, password), email)
  for (const [, listener] of portal.listeners) {
    expectSignedIn(await listener.post<SignedIn>('/auth/login', { json: { email, password } }), email)
  }
})

test('P-52 whoever asks for the tokens gets them in the body as well', async () => {
  const { email, password } = await portal.register()
  const answer = await portal.login(email, password, { headers: { 'x-token-delivery': 'body' } })
  expect(answer.body).toEqual({ user: userLike({ email }), message: someText, ...expectCookies(answer) })
  const others = await portal.login(email, password, { headers: { 'x-token-delivery': 'cookie' } })
  expect(others.body).not.toHaveProperty('accessToken')
})

test('P-52 the demo accounts of development sign in', async () => {
  expectSignedIn(await portal.login('admin@portal.example', 'Admin-portal-123!'), 'admin@portal.example', 'admin')
  for (const [email, password] of [
    ['ada@portal.example', 'Ada-portal-123!'],
    ['grace@portal.example', 'Grace-portal-123!'],
  ] as const) {
    expectSignedIn(await portal.login(email, password), email)
  }
})

test('P-52 wrong password and unknown address are one and the same 401, without a cookie', async () => {
  const { email } = await portal.register()
  const answers = [await portal.login(email, wrong), await portal.login(uniqueEmail(), wrong)]
  for (const answer of answers) {
    expectFailure(answer, 401)
    expect(answer.cookies).toEqual({})
  }
  expect(wordsOf(answers[0]!)).toEqual(wordsOf(answers[1]!))
})

test('P-55 what is missing or of another type is 400, all of it at once', async () => {
  const email = uniqueEmail()
  const noEmail = 'email must be an email'
  const noPassword = 'password should not be empty'
  const cases: [unknown, string[]][] = [
    [{}, [noEmail, noPassword]],
    [{ password: 'x' }, [noEmail]],
    [{ email }, [noPassword]],
    [{ email, password: '' }, [noPassword]],
    [{ email, password: 5 }, [noPassword]],
    [{ email: 'nobody', password: 'x' }, [noEmail]],
    [{ email: { $ne: null }, password: { $ne: null } }, [noEmail, noPassword]],
    [{ email, session_token: 'x' }, [noPassword]],
  ]
  for (const [json, texts] of cases) expectFailure(await again(json), 400, texts)
})

test('P-52 ten failures lock for 15 minutes: the right password is refused with the same words', async () => {
  const { email, password, claims } = await portal.register()
  const [first] = await Promise.all([portal.login(email, wrong)])
  for (let index = 1; index < 10; index += 1) await portal.login(email, wrong)
  const locked = await portal.login(email, password)
  expectFailure(locked, 401)
  expect(wordsOf(locked)).toEqual(wordsOf(first))
  const [counter] = await portal.rows<{ minutes: number }>(
    'identity',
    `SELECT round(extract(epoch FROM locked_until - now()) / 60)::int AS minutes
       FROM sign_in_counters WHERE account_id = $1 AND locked_until > now()`,
    [claims.uid],
  )
  expect(counter?.minutes).toBe(15)
})

test('P-52 a deactivated account is told so after the right password only', async () => {
  const { email, password, claims } = await portal.register()
  await portal.rows('identity', "UPDATE memberships SET state = 'inactive' WHERE account_id = $1", [claims.uid])
  expectFailure(await portal.login(email, wrong), 401)
  expectFailure(await portal.login(email, password), 403)
})

const withSecondFactor = async (): Promise<Person> => {
  const person = await portal.register()
  const text = 'UPDATE accounts SET second_factor = true, email_verified_at = now() WHERE id = $1'
  await portal.rows('identity', text, [person.claims.uid])
  return person
}

/** What an account with the second factor on is answered: the error form, and how to go on. */
function expectSecondFactor(answer: Answer<unknown>): { session_token: string; mfa_code: string } {
  const { session_token = '', mfa_code = '' } = answer.body as { session_token?: string; mfa_code?: string }
  expectFailure(answer, 403, someText, {
    code: 'MFA_REQUIRED',
    session_token: expect.stringMatching(/^[\w-]{43}$/),
    mfa_code: expect.stringMatching(/^[1-9]\d{5}$/),
  })
  expect(answer.cookies).toEqual({})
  return { session_token, mfa_code }
}

test('P-52 an account with the second factor is asked for its code, by the same address', async () => {
  const { email, password } = await withSecondFactor()
  const call = expectSecondFactor(await portal.login(email, password))
  expectSignedIn(await again(call), email)
  expectFailure(await again(call), 401)
})

test('P-52 a wrong code is answered as a wrong password, and the second call comes before the credentials', async () => {
  const { email, password } = await withSecondFactor()
  const { session_token, mfa_code } = expectSecondFactor(await portal.login(email, password))
  const refused = await again({ session_token, mfa_code: mfa_code === '100000' ? '100001' : '100000' })
  expectFailure(refused, 401)
  expect(wordsOf(refused)).toEqual(wordsOf(await portal.login(uniqueEmail(), wrong)))
  expectSignedIn(await again({ session_token, mfa_code, email: 5, password: null }), email)
  expectFailure(await again({ session_token: 'x\u0000', mfa_code }), 401)
})
