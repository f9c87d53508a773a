import { expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import {
  expectFailure,
  expectInvalid,
  expectTokens,
  goodPassword,
  helpdeskClient,
  type TokenAnswer,
  uniqueEmail,
} from './client.ts'

const helpdesk = helpdeskClient(inject('arrangement'))
const register = (json: unknown) => helpdesk.post<TokenAnswer>('/api/auth/register', { json })

const displayNameOf = async (email: string) => {
  const [account] = await helpdesk.rows<{ name: string | null; role: string | null; username: string }>(
    `SELECT a.display_name AS name, g.role, a.username FROM accounts a
       LEFT JOIN memberships g ON g.account_id = a.id AND g.realm = 'helpdesk' WHERE a.email = $1`,
    [email],
  )
  return account
}

test('H-08 H-14 a registration answers with accessToken and user in every form that a client reads, and a cookie', async () => {
  const email = uniqueEmail()
  const { accessToken, user } = expectTokens(await register({ email, password: goodPassword }), 201, email)
  const me = await helpdesk.get('/api/auth/me', { token: accessToken })
  expect(me.body).toMatchObject({ data: { id: user.id, email } })
  expect(await helpdesk.recorded(user.id)).toEqual([
    'account.registered',
    'membership.started',
    'user.registered',
    'user.login',
  ])
})

test('H-50 the access token lives 24 hours and carries userId, email, role, and both audiences', async () => {
  const { claims, id, email } = await helpdesk.register()
  expect(claims).toMatchObject({ sub: id, userId: id, email, role: 'user', aud: ['helpdesk', 'client-app'] })
  expect(claims.exp - claims.iat).toBe(24 * 3600)
  expect(claims.jti).toEqual(expect.any(String))
})

test('H-14 H-54 the e-mail address is trimmed and lower-cased, dots and tags stay', async () => {
  const email = uniqueEmail('jean.dupont+tag')
  const answer = await register({ email: `  ${email.toUpperCase()} `, password: goodPassword })
  expectTokens(answer, 201, email)
  expect(await displayNameOf(email)).toMatchObject({ username: email })
})

test('H-14 H-54 names are joined and cleaned; username and role are ignored, and so is what nobody knows', async () => {
  const email = uniqueEmail()
  const more = {
    username: 'someone',
    firstName: ' Zoë\u0007 ',
    lastName: 'de\n la  Cruz',
    role: 'admin',
    bio: [1],
    isActive: false,
  }
  const { accessToken } = expectTokens(await register({ email, password: goodPassword, ...more }), 201, email)
  expect(await displayNameOf(email)).toEqual({ name: 'Zoë de la Cruz', role: null, username: email })
  expectFailure(await helpdesk.get('/api/auth/stats', { token: accessToken }), 403, 'FORBIDDEN')
})

test('H-14 confirmPassword must be equal when it is there', async () => {
  for (const confirmPassword of [goodPassword, undefined, null]) {
    const email = uniqueEmail()
    expectTokens(await register({ email, password: goodPassword, confirmPassword }), 201, email)
  }
  const email = uniqueEmail()
  expectInvalid(
    await register({ email, password: goodPassword, confirmPassword: `${goodPassword}x` }),
    'confirmPassword',
  )
  expect(await displayNameOf(email)).toBeUndefined()
})

test('H-53 what is missing or of another type is 400 with the field, and without its value', async () => {
  const email = uniqueEmail()
  const password = goodPassword
  const cases: [unknown, string][] = [
    [{}, 'email'],
    [{ password }, 'email'],
    [{ email }, 'password'],
    [{ email: 5, password }, 'email'],
    [{ email: '', password }, 'email'],
    [{ email: 'no address', password }, 'email'],
    [{ email: 'a@b@c', password }, 'email'],
    [{ email: `a\u0000@example.org`, password }, 'email'],
    [{ email: `${'x'.repeat(300)}@example.org`, password }, 'email'],
    [{ email: null, password }, 'email'],
    [{ email, password: 12345678 }, 'password'],
    [{ email, password: ['Correct-horse7'] }, 'password'],
    [{ email, password: null }, 'password'],
    [{ email, password, firstName: 7 }, 'firstName'],
    [{ email, password, lastName: 'x'.repeat(101) }, 'lastName'],
    [{ email, password, confirmPassword: {} }, 'confirmPassword'],
  ]
  for (const [json, field] of cases) expectInvalid(await register(json), field)
  for (const raw of ['', '{', 'null', '[]', '"x"']) {
    const headers = { 'content-type': 'application/json' }
    const answer = await helpdesk.post('/api/auth/register', { raw, headers })
    expect(answer.status, raw).toBe(400)
    expect(answer.body, raw).toMatchObject({ success: false, errors: [expect.anything()] })
  }
})

test('H-53 a weak password is 400 with every problem, and is never sent back', async () => {
  const email = uniqueEmail()
  const cases: [string, number][] = [
    ['', 2],
    ['Ab1!', 1],
    ['abcdefgh', 1],
    ['abc', 2],
    ['onlylowercaseletters', 1],
    ['Password1', 1],
    ['P@ssw0rd', 1],
    [`Aa1${'x'.repeat(126)}`, 1],
  ]
  for (const [password, problems] of cases) {
    const answer = await register({ email, password })
    expectInvalid(answer, ...Array.from({ length: problems }, () => 'password'))
    if (password.length > 3) expect(answer.text).not.toContain(password)
  }
  const longest = `Aa1${'x'.repeat(125)}`
  expectTokens(await register({ email, password: longest }), 201, email)
})

test('H-14 a duplicate is 409 whose message says "existe déjà", in whatever case it comes', async () => {
  const { email, id } = await helpdesk.register()
  for (const again of [email, email.toUpperCase(), ` ${email} `]) {
    const answer = await register({ email: again, password: goodPassword })
    expectFailure(answer, 409, 'USER_EXISTS')
    expect(answer.body).toMatchObject({ message: expect.stringContaining('existe déjà') })
  }
  expect(await helpdesk.recorded(id)).toEqual([
    'account.registered',
    'membership.started',
    'user.registered',
    'user.login',
  ])
})

test('H-14 of twenty registrations of one address at once one is made', async () => {
  const email = uniqueEmail()
  const answers = await Promise.all(Array.from({ length: 20 }, () => register({ email, password: goodPassword })))
  const statuses = answers.map(({ status }) => status).sort()
  expect(statuses).toEqual([201, ...Array<number>(19).fill(409)])
  for (const answer of answers) if (answer.status === 409) expectFailure(answer, 409, 'USER_EXISTS')
})

test('H-14 whoever tried to sign in before there was an account has not locked it', async () => {
  const email = uniqueEmail()
  for (let index = 0; index < 6; index += 1) expect((await helpdesk.login(email, goodPassword)).status).toBe(401)
  expectTokens(await register({ email, password: goodPassword }), 201, email)
})

test('H-55 what looks like SQL is text', async () => {
  const email = uniqueEmail("o'--drop")
  // An address may have a quote; it is kept as it is.
  expectTokens(await register({ email, password: goodPassword }), 201, email)
  const password = "Aa1'; DROP TABLE accounts; --"
  const own = uniqueEmail()
  const { accessToken } = expectTokens(await register({ email: own, password, lastName: "'); --" }), 201, own)
  expect(claimsOf(accessToken).email).toBe(own)
  expectTokens(await helpdesk.login(own, password), 200, own)
  expectFailure(await helpdesk.login(own, "' OR '1'='1"), 401, 'INVALID_CREDENTIALS')
})
