import { expect, inject, test } from 'vitest'
import { expectFailure, goodPassword, portalClient, type User, uniqueEmail, userLike } from './client.ts'

const portal = portalClient(inject('arrangement'))
const person = (more: object = {}) => ({ name: 'Ada', email: uniqueEmail('made'), ...more })

test('P-22 P-25 an administrator adds a user, who signs in with the given password', async () => {
  const token = await portal.admin()
  for (const [at, listener] of portal.listeners) {
    const json = person({ password: goodPassword, role: 'merchant', id: 1, isAdmin: true })
    const made = await listener.post<User>('/users', { token, json })
    expect(made.status, made.text).toBe(201)
    expect(made.body, at).toEqual(userLike({ name: 'Ada', email: json.email, role: 'merchant' }))
    expect(made.body.id).not.toBe(1)
    expect((await listener.get(`/users/${made.body.id}`, { token })).body).toEqual(made.body)
    const signedIn = await portal.signIn(json.email, goodPassword)
    expect(signedIn.id).toBe(made.body.id)
    expect(signedIn.claims.role).toBe('merchant')
  }
})

test('P-22 every role can be given, and a delivery person is what there is without one', async () => {
  const token = await portal.admin()
  for (const role of ['admin', 'delivery_person', 'merchant', 'logistics_technician']) {
    const made = await portal.post<User>('/users', { token, json: person({ role }) })
    expect(made.body.role, made.text).toBe(role)
  }
  for (const role of [undefined, null]) {
    expect((await portal.post<User>('/users', { token, json: person({ role }) })).body.role).toBe('delivery_person')
  }
})

test('P-22 P-25 without a password nobody signs in before one is set by the mailed link, by the same rule', async () => {
  const token = await portal.admin()
  const json = person()
  const made = await portal.post<User>('/users', { token, json })
  expect(made.status, made.text).toBe(201)
  expectFailure(await portal.login(json.email, goodPassword), 401)

  const mail = await portal.mailTo(json.email, 'invited')
  expect(mail.contract).toBe('portal')
  const [, path = '', linkToken = ''] = /(\/account\/portal\/reset-password)\?token=([\w-]+)/.exec(mail.text) ?? []
  const opened = await portal.ask('GET', `${path}?token=${linkToken}`, { headers: { 'accept-language': 'en' } })
  expect(opened.status, opened.text).toBe(200)
  expect(opened.text).toContain('At least 12 characters, of 4 kinds')

  const press = (password: string) => {
    const raw = new URLSearchParams({ token: linkToken, password, confirmation: password }).toString()
    return portal.ask('POST', path, { raw, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  }
  expect((await press('Too-short7')).status).toBe(400)
  expect((await press(goodPassword)).status).toBe(200)
  expect((await portal.signIn(json.email, goodPassword)).id).toBe(made.body.id)
  expect((await press(`${goodPassword}-again`)).status, 'the link works once').toBe(400)
})

test('P-22 P-25 P-55 what cannot be created is 400 with everything that is wrong', async () => {
  const token = await portal.admin()
  const name = 'name must be text of 1 to 100 characters'
  const email = 'email must be an email'
  const role = expect.stringMatching(/^role must be one of the following values: admin, delivery_person, /)
  const short = 'password must be longer than or equal to 12 characters'
  const simple = 'password must contain an upper-case letter, a lower-case letter, a digit and a special character'
  const cases: [unknown, unknown[]][] = [
    [{}, [name, email]],
    [null, [name, email]],
    [{ name: ' ', email: 'nobody', role: 'root' }, [name, email, role]],
    [person({ role: ['admin'] }), [role]],
    [person({ password: '' }), [short, simple]],
    [person({ password: 'short' }), [short, simple]],
    [person({ password: 5 }), [short, simple]],
  ]
  for (const [json, texts] of cases) {
    const answer = await portal.post('/users', { token, json })
    expectFailure(answer, 400, texts as string[])
  }
  expectFailure(await portal.post('/users', { token, json: [] }), 400, ['The body must be object'])
  expectFailure(await portal.post('/users', { token }), 400, [name, email])
})

test('P-22 a taken address is 409, whoever has it and however it is written', async () => {
  const [token, { email }] = [await portal.admin(), await portal.register()]
  for (const taken of [email, email.toUpperCase(), 'admin@portal.example']) {
    expectFailure(await portal.post('/users', { token, json: person({ email: taken }) }), 409)
  }
})

test('P-22 P-25 only administrators add users, whatever they send', async () => {
  const { token } = await portal.register()
  for (const [, listener] of portal.listeners) {
    const json = person()
    expectFailure(await listener.post('/users', { token, json }), 403)
    expectFailure(await listener.post('/users', { token, json: {} }), 403)
    expectFailure(await listener.post('/users', { json }), 401)
    expect(await portal.rows('identity', 'SELECT 1 FROM accounts WHERE username = $1', [json.email])).toEqual([])
  }
})

test('P-22 the same Idempotency-Key makes one user; with another body it is 400', async () => {
  const token = await portal.admin()
  const json = person()
  const headers = { 'idempotency-key': uniqueEmail('key') }
  const add = (body: object) => portal.post<User>('/users', { token, json: body, headers })
  const answers = await Promise.all([add(json), add(json), add(json)])
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expectFailure(await add(person()), 400)
})
