import { expect, inject, test } from 'vitest'
import {
  type Answer,
  expectCookies,
  expectFailure,
  goodPassword,
  portalClient,
  type SignedIn,
  someText,
  type User,
  uniqueEmail,
  userLike,
} from './client.ts'

const portal = portalClient(inject('arrangement'))

const register = (json: unknown, headers: Record<string, string> = {}) =>
  portal.post<SignedIn>('/auth/register', { json, headers })
const person = (more: object = {}) => ({ name: 'Ada', email: uniqueEmail(), password: goodPassword, ...more })
const madeOf = (email: string) =>
  portal.rows('identity', 'SELECT 1 FROM accounts WHERE lower(username) = lower($1)', [email])

/** A registration that went well, exactly; gives the tokens of its cookies. */
function expectRegistered(answer: Answer<SignedIn>, fields: Partial<User>) {
  expect(answer.status, answer.text).toBe(201)
  expect(answer.body).toEqual({ user: userLike(fields), message: someText })
  return expectCookies(answer)
}

test('P-52 registering makes an account and signs in by cookies, which no script reads; the body has no token', async () => {
  for (const [at, listener] of portal.listeners) {
    const json = person()
    const answer = await listener.post<SignedIn>('/auth/register', { json })
    const { accessToken } = expectRegistered(answer, { name: 'Ada', email: json.email })
    const me = await listener.get<User>('/users/me', { cookie: `accessToken=${accessToken}` })
    expect(me.status, at).toBe(200)
    const { id, name, email, role } = answer.body.user
    expect(me.body).toEqual(userLike({ id, name, email, role }))
  }
})

test('P-52 whoever asks for the tokens gets them in the body as well', async () => {
  const answer = await register(person(), { 'x-token-delivery': 'body' })
  expect(answer.status).toBe(201)
  expect(answer.body).toEqual({ user: userLike(), message: someText, ...expectCookies(answer) })
})

test('P-55 an address is taken as it is meant, and by one account alone', async () => {
  const email = uniqueEmail()
  expectRegistered(await register(person({ email: ` ${email.toUpperCase()} ` })), { email })
  for (const again of [email, email.toUpperCase(), ` ${email}`]) {
    const answer = await register(person({ email: again }))
    expectFailure(answer, 409)
    expect(answer.cookies).toEqual({})
  }
})

test('P-55 of ten registrations of one address at once one is made', async () => {
  const json = person()
  const answers = await Promise.all(Array.from({ length: 10 }, () => register(json)))
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)])
})

test('P-55 nobody registers as more than a delivery person or a merchant', async () => {
  for (const role of ['admin', 'logistics_technician', 'root', 5, ['admin'], null, undefined, 'delivery_person']) {
    expectRegistered(await register(person({ role })), { role: 'delivery_person' })
  }
  const { accessToken } = expectRegistered(await register(person({ role: 'merchant' })), { role: 'merchant' })
  expectFailure(await portal.get('/users', { token: accessToken }), 403)
  expect((await portal.get('/users/me', { token: accessToken })).body).toMatchObject({ role: 'merchant' })
})

test('P-55 everything that is wrong is told at once, and no value is repeated', async () => {
  const name = 'name must be text of 1 to 100 characters'
  const email = 'email must be an email'
  const short = 'password must be longer than or equal to 12 characters'
  const simple = 'password must contain an upper-case letter, a lower-case letter, a digit and a special character'
  const cases: [object, string[]][] = [
    [{}, [name, email, short, simple]],
    [{ name: '', email: 'nobody', password: 'Sh0rt!' }, [name, email, short]],
    [person({ name: 'x'.repeat(101) }), [name]],
    [person({ name: 'a\u0000' }), [name]],
    [person({ email: 'a@b' }), [email]],
    [person({ email: { $ne: null } }), [email]],
    [person({ password: 'no-upper-case-1' }), [simple]],
    [person({ password: 'NoSpecial12345' }), [simple]],
    [person({ password: 5 }), [short, simple]],
    [person({ password: `Aa1!${'x'.repeat(300)}` }), ['password must be shorter than or equal to 256 characters']],
  ]
  for (const [json, texts] of cases) {
    const answer = await register(json)
    expectFailure(answer, 400, texts)
    expect(answer.cookies).toEqual({})
    const { email: given } = json as { email?: unknown }
    if (typeof given === 'string') expect(await madeOf(given)).toEqual([])
  }
})

test('P-55 a body that is none counts as an empty one, and fields that nobody knows are ignored', async () => {
  const headers = { 'content-type': 'application/json' }
  for (const raw of ['', '{', 'null', '"x"', '[]']) {
    const answer = await portal.post('/auth/register', { raw, headers })
    expect({ raw, status: answer.status }).toEqual({ raw, status: 400 })
  }
  const json = person({ id: 1, isAdmin: true, createdAt: '2001-01-01' })
  const { user } = (await register(json)).body
  expect(user).toEqual(userLike({ email: json.email }))
  expect(user.id).not.toBe(1)
  expect(Date.now() - Date.parse(user.createdAt)).toBeLessThan(60_000)
})
