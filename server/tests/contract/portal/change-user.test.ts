import { expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { expectFailure, portalClient, type User, uniqueEmail, userLike } from './client.ts'

const portal = portalClient(inject('arrangement'))

test('P-06 P-08 a person changes her own name and address; the rest is fixed', async () => {
  for (const [, listener] of portal.listeners) {
    const { id, token, email, password } = await portal.register()
    const before = await listener.get<User>('/users/me', { token })
    const json = { name: ' Ada 🦊 <b> ', email: uniqueEmail('NEW'), id: 1, createdAt: 'x', password: 'x' }
    const changed = await listener.put<User>(`/users/${id}`, { token, json })
    expect(changed.status, changed.text).toBe(200)
    const { createdAt } = before.body
    const { message, ...user } = changed.body
    expect(message).toMatch(/link/)
    expect(user).toEqual(userLike({ id, name: 'Ada 🦊 <b>', email: json.email.toLowerCase(), createdAt }))
    expect(Date.parse(changed.body.updatedAt)).toBeGreaterThan(Date.parse(before.body.updatedAt))
    for (const path of ['/users/me', '/auth/profile', `/users/${id}`]) {
      expect((await listener.get(path, { token })).body).toEqual(user)
    }
    expect((await portal.signIn(email, password)).name, 'at the next sign-in').toBe('Ada 🦊 <b>')
  }
})

test('P-06 of name and address each is changed by itself; without either nothing changes, and that is no error', async () => {
  const { id, token, email, name } = await portal.register()
  const put = async (json: object) => (await portal.put<User>(`/users/${id}`, { token, json })).body
  expect(await put({ name: 'Grace' })).toEqual(userLike({ id, name: 'Grace', email }))
  const another = uniqueEmail()
  const { message, ...second } = await put({ email: another })
  expect(message).toMatch(/link/)
  expect(second).toEqual(userLike({ id, name: 'Grace', email: another }))
  for (const json of [{}, { name: null, email: null }, { nickname: 'x' }]) expect(await put(json)).toEqual(second)
  expect(name).not.toBe('Grace')
})

test('P-52 one signs in by the address before until the link mailed to the new one is opened', async () => {
  const { id, token, email, password } = await portal.register()
  const another = uniqueEmail()
  expect((await portal.put(`/users/${id}`, { token, json: { email: another } })).body.email).toBe(another)
  expectFailure(await portal.login(another, password), 401)
  const before = await portal.login(email, password)
  expect(before.body.user.email, 'what signs in, not what is shown').toBe(email)
  const { text } = await portal.mailTo(another, 'verify_email')
  const [, path = '', linkToken = ''] = /(\/account\/portal\/verify-email)\?token=([\w-]+)/.exec(text) ?? []
  const pressed = await portal.ask('POST', path, {
    raw: new URLSearchParams({ token: linkToken }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(pressed.status, pressed.text).toBe(200)
  expect((await portal.signIn(another, password)).id).toBe(id)
})

test('P-55 what does not fit is 400 with everything that is wrong, and nothing changes', async () => {
  const { id, token } = await portal.register()
  const before = (await portal.get('/users/me', { token })).text
  const name = 'name must be text of 1 to 100 characters'
  const email = 'email must be an email'
  const cases: [object, string[]][] = [
    [{ name: '' }, [name]],
    [{ name: 5, email: 'nobody' }, [name, email]],
    [{ name: 'fits', email: 'a@b' }, [email]],
    [{ name: 'a\u0000' }, [name]],
  ]
  for (const [json, texts] of cases) expectFailure(await portal.put(`/users/${id}`, { token, json }), 400, texts)
  expect((await portal.get('/users/me', { token })).text).toBe(before)
})

test('P-06 an address that another account goes by is 409; the own one again is none', async () => {
  const [one, other] = [await portal.register(), await portal.register()]
  for (const email of [other.email, other.email.toUpperCase()]) {
    const answer = await portal.put(`/users/${one.id}`, { token: one.token, json: { name: 'Not I', email } })
    expectFailure(answer, 409)
  }
  const kept = await portal.put<User>(`/users/${one.id}`, { token: one.token, json: { email: one.email } })
  expect(kept.status).toBe(200)
  expect(kept.body).toEqual(userLike({ id: one.id, name: one.name, email: one.email }))
})

test('P-06 a role from somebody who gives none is dropped, even one that there is not', async () => {
  const { id, token } = await portal.register()
  for (const role of ['admin', 'root', 5]) {
    const answer = await portal.put<User>(`/users/${id}`, { token, json: { role } })
    expect({ status: answer.status, role: answer.body.role }).toEqual({ status: 200, role: 'delivery_person' })
  }
  expectFailure(await portal.get('/users', { token }), 403)
})

test('P-06 P-08 an administrator changes anybody, the role as well, which ends the tokens from before', async () => {
  const token = await portal.admin()
  for (const [, listener] of portal.listeners) {
    const person = await portal.known()
    const json = { name: 'Changed', role: 'admin' }
    const changed = await listener.put<User>(`/users/${person.id}`, { token, json })
    expect(changed.status, changed.text).toBe(200)
    expect(changed.body).toEqual(userLike({ id: person.id, name: 'Changed', email: person.email, role: 'admin' }))
    expectFailure(await listener.get('/users/me', { token: person.token }), 401)
    const again = await portal.signIn(person.email, person.password)
    expect(again.claims.role).toBe('admin')
    expect((await listener.get('/users?limit=1', { token: again.token })).status).toBe(200)
    expectFailure(await listener.put(`/users/${person.id}`, { token, json: { role: 'root' } }), 400, [
      expect.stringMatching(/^role must be one of /),
    ])
  }
})

test("P-06 an administrator's own role may come along unchanged, and is not hers to change", async () => {
  const token = await portal.admin()
  const { id } = (await portal.get<User>('/users/me', { token })).body
  const same = await portal.put<User>(`/users/${id}`, { token, json: { name: 'Administrator', role: 'admin' } })
  expect({ status: same.status, role: same.body.role }).toEqual({ status: 200, role: 'admin' })
  for (const json of [{ role: 'merchant' }, { name: 'Merchant', role: 'merchant' }]) {
    expectFailure(await portal.put(`/users/${id}`, { token, json }), 403)
  }
  expectFailure(await portal.patch(`/users/${id}/role`, { token, json: { role: 'merchant' } }), 403)
  expect((await portal.get('/users/me', { token })).body).toMatchObject({ name: 'Administrator', role: 'admin' })
})

test('P-06 P-08 the role has a path of its own, for administrators', async () => {
  const token = await portal.admin()
  for (const [, listener] of portal.listeners) {
    const person = await portal.known()
    const at = `/users/${person.id}/role`
    const changed = await listener.patch<User>(at, { token, json: { role: 'logistics_technician' } })
    expect(changed.status, changed.text).toBe(200)
    const { id, name, email } = person
    expect(changed.body).toEqual(userLike({ id, name, email, role: 'logistics_technician' }))
    expect((await listener.get(`/users/${id}`, { token })).body).toEqual(changed.body)
    expectFailure(await listener.get('/users/me', { token: person.token }), 401)
    expect(claimsOf((await portal.signIn(email, person.password)).token).role).toBe('logistics_technician')

    for (const json of [{}, { role: null }, { role: '' }, { role: 'root' }, { role: 5 }]) {
      expectFailure(await listener.patch(at, { token, json }), 400, [expect.stringMatching(/^role must be one of /)])
    }
    expectFailure(await listener.patch(at, { json: { role: 'merchant' } }), 401)
  }
})

test('P-63 a change is seen at once, at every listener and in the list, however often it was read before', async () => {
  const [admin, { id, token }] = [await portal.admin(), await portal.known()]
  for (let round = 0; round < 10; round += 1) {
    const name = `Name ${round}`
    await Promise.all(portal.listeners.map(([, listener]) => listener.get(`/users/${id}`, { token: admin })))
    expect((await portal.put(`/users/${id}`, { token, json: { name } })).status).toBe(200)
    for (const [, listener] of portal.listeners) {
      expect((await listener.get(`/users/${id}`, { token: admin })).body.name).toBe(name)
      expect((await listener.get('/users/me', { token })).body.name).toBe(name)
    }
  }
  const page = async () => {
    const users: User[] = []
    for (;;) {
      const next = (await portal.get<User[]>(`/users?offset=${users.length}`, { token: admin })).body
      users.push(...next)
      if (next.length < 1000) return users.find((user) => user.id === id)?.name
    }
  }
  expect(await page()).toBe('Name 9')
  await portal.put(`/users/${id}`, { token, json: { name: 'The last' } })
  expect(await page()).toBe('The last')
})
