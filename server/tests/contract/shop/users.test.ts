import { expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { uniqueName } from '../../support/unique-name.ts'
import { call, expectFailure, momentOf, type Order, type Person, shopClient, timeText, type User } from './client.ts'

const shop = shopClient(inject('arrangement'))

const accountOf = async (username: string) => {
  const [row] = await shop.rows<{ id: string }>('identity', 'SELECT id FROM accounts WHERE username = $1', [username])
  return row!.id
}

const impossibleIds = ['0', '-1', '1.5', 'abc', '1e3', '999999999', '99999999999999999999', '%F0%9F%A6%8A', '%00']

test('S-05 S-22 S-34 S-55 the profile has the shape of the contract, unset fields null, at the gateway and at the user service', async () => {
  const person = await shop.register()
  for (const base of [shop.urls.gateway, shop.urls.users]) {
    const answer = await call<User>('GET', `${base}/users/profile`, { token: person.token })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      data: {
        id: person.id,
        username: person.username,
        email: null,
        first_name: null,
        last_name: null,
        phone: null,
        address: null,
        date_creation: expect.stringMatching(timeText),
        date_update: null,
      },
    })
    expect(Math.abs(Date.now() - momentOf(answer.body.data.date_creation))).toBeLessThan(60_000)
  }
})

test('S-30 S-32 S-34 whoever has just registered has a profile to read and to change, without waiting for an event', async () => {
  for (const base of [shop.urls.gateway, shop.urls.users]) {
    const own = {
      profile: ({ token }: Person) => call('GET', `${base}/users/profile`, { token }),
      read: ({ token, id }: Person) => call('GET', `${base}/users/${id}`, { token }),
      change: ({ token, id }: Person) => call('PUT', `${base}/users/${id}`, { token, json: { phone: '1' } }),
    }
    for (const [what, ask] of Object.entries(own)) {
      const statuses = await Promise.all(
        Array.from({ length: 10 }, async () => (await ask(await shop.register())).status),
      )
      expect(statuses, `${what} at ${base}`).toEqual(Array(10).fill(200))
    }
  }
})

test('S-30 a person reads herself by id, an administrator everybody', async () => {
  const [person, admin] = await Promise.all([shop.register(), shop.admin()])
  await shop.get('/users/profile', { token: person.token })
  const own = await shop.get<User>(`/users/${person.id}`, { token: person.token })
  expect(own.status).toBe(200)
  expect(own.body.data).toMatchObject({ id: person.id, username: person.username })
  const asked = await eventually(
    () => shop.get<User>(`/users/${person.id}`, { token: admin }),
    ({ status }) => expect(status).toBe(200),
  )
  expect(asked.body).toEqual(own.body)
  expect((await call<User>('GET', `${shop.urls.users}/users/${person.id}`, { token: admin })).body).toEqual(own.body)
})

test("S-30 S-32 S-33 other people's ids are 403 whether they exist or not, byte for byte", async () => {
  const [person, other] = await Promise.all([shop.register(), shop.register()])
  const { token } = person
  for (const base of [shop.urls.gateway, shop.urls.users]) {
    for (const [method, json] of [
      ['GET', undefined],
      ['PUT', { phone: '1' }],
      ['PUT', {}],
      ['DELETE', undefined],
    ] as const) {
      const existing = await call(method, `${base}/users/${other.id}`, { token, json })
      expectFailure(existing, 403, 'FORBIDDEN', method)
      for (const id of impossibleIds) {
        expect((await call(method, `${base}/users/${id}`, { token, json })).text, `${method} ${id}`).toBe(existing.text)
      }
    }
  }
  expectFailure(await shop.del(`/users/${person.id}`, { token }), 403, 'FORBIDDEN', 'herself')
  expect((await shop.get<User>('/users/profile', { token: other.token })).body.data.phone).toBeNull()
  expect(await shop.recorded('identity', other.claims.uid)).toEqual(['account.registered', 'membership.started'])
})

test('S-30 S-32 S-33 an administrator gets 404 USER_NOT_FOUND for ids that nobody has', async () => {
  const token = await shop.admin()
  for (const id of impossibleIds) {
    expectFailure(await shop.get(`/users/${id}`, { token }), 404, 'USER_NOT_FOUND', `GET ${id}`)
    expectFailure(await shop.put(`/users/${id}`, { token, json: { phone: '1' } }), 404, 'USER_NOT_FOUND', `PUT ${id}`)
    expectFailure(await shop.del(`/users/${id}`, { token }), 404, 'USER_NOT_FOUND', `DELETE ${id}`)
  }
})

test('S-29 an administrator lists users in order of id with their count; registering reaches the list', async () => {
  const [person, admin] = await Promise.all([shop.register(), shop.admin()])
  const list = await eventually(
    () => shop.get<User[]>('/users', { token: admin }),
    ({ body }) => expect(body.data.map(({ id }) => id)).toContain(person.id),
  )
  expect(list.status).toBe(200)
  const { data, count } = list.body
  expect(list.body).toEqual({ success: true, data: expect.any(Array), count: data.length })
  expect(count).toBe(data.length)
  expect(data.map(({ id }) => id)).toEqual(data.map(({ id }) => id).sort((a, b) => a - b))
  expect(data.find(({ id }) => id === person.id)).toEqual({
    id: person.id,
    username: person.username,
    email: null,
    first_name: null,
    last_name: null,
    phone: null,
    address: null,
    date_creation: expect.stringMatching(timeText),
    date_update: null,
  })
  expectFailure(await shop.get('/users', { token: person.token }), 403, 'FORBIDDEN')
  expectFailure(await call('GET', `${shop.urls.users}/users`, { token: person.token }), 403, 'FORBIDDEN')
})

test('S-29 limit and offset page the list; what is out of bounds is 400', async () => {
  await shop.register()
  const token = await shop.admin()
  const first = await shop.get<User[]>('/users?limit=1', { token })
  expect(first.body).toMatchObject({ count: 1, data: [{ username: 'admin' }] })
  const second = await shop.get<User[]>('/users?limit=1&offset=1', { token })
  expect(second.body.count).toBe(1)
  expect(second.body.data[0]!.id).toBeGreaterThan(first.body.data[0]!.id)
  expect((await shop.get('/users?limit=1000', { token })).status).toBe(200)
  const beyond = await shop.get('/users?offset=100000', { token })
  expect(beyond.body).toEqual({ success: true, data: [], count: 0 })
  for (const query of [
    'limit=0',
    'limit=-1',
    'limit=1001',
    'limit=x',
    'limit=1.5',
    'offset=-1',
    'offset=x',
    'offset=1e99',
  ]) {
    const answer = await shop.get(`/users?${query}`, { token })
    expectFailure(answer, 400, answer.body.error?.code ?? 'an error', query)
  }
})

test('S-32 a person changes herself: the given fields only, null unsets, the username is fixed; no event', async () => {
  const { id, token, username, claims } = await shop.register()
  await shop.get('/users/profile', { token })
  const fields = {
    email: `${username}@example.org`,
    first_name: 'Ada 🦊',
    last_name: '<script>alert(1)</script>',
    phone: '+33 1 23 45 67 89',
    address: 'rue de l’Église 1\n75000 Paris',
  }
  const changed = await shop.put<User>(`/users/${id}`, {
    token,
    json: { ...fields, username: 'admin', id: 1, role: 'admin' },
  })
  expect(changed.status).toBe(200)
  expect(changed.body).toEqual({
    success: true,
    message: expect.stringMatching(/\S/),
    data: {
      id,
      username,
      ...fields,
      date_creation: expect.stringMatching(timeText),
      date_update: expect.stringMatching(timeText),
    },
  })
  expect(Math.abs(Date.now() - momentOf(changed.body.data.date_update!))).toBeLessThan(60_000)
  const cleared = await call<User>('PUT', `${shop.urls.users}/users/${id}`, { token, json: { phone: null } })
  expect(cleared.body.data).toMatchObject({ ...fields, phone: null })
  expect((await shop.get<User>('/users/profile', { token })).body.data).toEqual(cleared.body.data)
  expect(await shop.recorded('identity', claims.uid)).toEqual(['account.registered', 'membership.started'])
})

test('S-32 with nothing to change or nothing that fits the answer is 400 UPDATE_FAILED, and nothing changes', async () => {
  const { id, token } = await shop.register()
  const before = (await shop.get('/users/profile', { token })).text
  const bodies: unknown[] = [
    {},
    { username: 'admin' },
    { nickname: 'x' },
    [],
    null,
    { first_name: 5 },
    { first_name: ['x'] },
    { first_name: 'x'.repeat(60_000) },
    { first_name: 'x\u0000' },
    { phone: 'fits', address: 'x'.repeat(60_000) },
  ]
  for (const json of bodies) {
    const answer = await shop.put(`/users/${id}`, { token, json })
    expectFailure(answer, 400, 'UPDATE_FAILED', JSON.stringify(json).slice(0, 80))
  }
  expectFailure(await shop.put(`/users/${id}`, { token }), 400, 'UPDATE_FAILED')
  expect((await shop.get('/users/profile', { token })).text).toBe(before)
})

test('S-32 an administrator changes anybody', async () => {
  const [person, token] = await Promise.all([shop.register(), shop.admin()])
  await shop.get('/users/profile', { token: person.token })
  const changed = await shop.put<User>(`/users/${person.id}`, { token, json: { last_name: 'Lovelace' } })
  expect(changed.status).toBe(200)
  expect((await shop.get<User>('/users/profile', { token: person.token })).body.data.last_name).toBe('Lovelace')
})

test('S-31 an administrator creates a user; what is unset is null; one account.registered', async () => {
  const token = await shop.admin()
  const username = uniqueName('made')
  const made = await shop.post<User>('/users', { token, json: { username, role: 'admin', id: 1 } })
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    success: true,
    message: expect.stringMatching(/\S/),
    data: {
      id: expect.any(Number),
      username,
      email: null,
      first_name: null,
      last_name: null,
      phone: null,
      address: null,
      date_creation: expect.stringMatching(timeText),
      date_update: null,
    },
  })
  expect((await shop.get(`/users/${made.body.data.id}`, { token })).body.data).toEqual(made.body.data)

  const full = {
    username: uniqueName('made'),
    email: 'made@example.org',
    first_name: 'Grace 🦊',
    last_name: 'Hopper',
    phone: '1',
    address: 'Arlington',
  }
  const second = await call<User>('POST', `${shop.urls.users}/users`, { token, json: full })
  expect(second.status).toBe(201)
  expect(second.body.data).toMatchObject(full)
  for (const name of [username, full.username]) {
    expect(await shop.recorded('identity', await accountOf(name))).toEqual(['account.registered', 'membership.started'])
  }
  const guess = await shop.post('/auth/login', { json: { username, password: username } })
  expectFailure(guess, 401, 'INVALID_CREDENTIALS', 'without a password nobody signs in')
})

test('S-31 what cannot be created is 400 in contract form, and only administrators create', async () => {
  const [token, person] = await Promise.all([shop.admin(), shop.register()])
  for (const json of [
    {},
    [],
    null,
    { email: 'x@example.org' },
    { username: '' },
    { username: 5 },
    { username: null },
  ]) {
    expectFailure(await shop.post('/users', { token, json }), 400, 'MISSING_USERNAME', JSON.stringify(json))
  }
  const username = uniqueName('unmade')
  const refused: object[] = [
    { username: person.username },
    { username: person.username.toUpperCase() },
    { username: 'x'.repeat(60_000) },
    { username: `${username}🦊` },
    { username, first_name: 5 },
    { username, address: 'x'.repeat(60_000) },
    { username, phone: 'x\u0000' },
  ]
  for (const json of refused) {
    const answer = await shop.post('/users', { token, json })
    expectFailure(answer, 400, 'CREATION_FAILED', JSON.stringify(json).slice(0, 80))
  }
  for (const base of [shop.urls.gateway, shop.urls.users]) {
    for (const json of [{ username }, {}]) {
      expectFailure(await call('POST', `${base}/users`, { token: person.token, json }), 403, 'FORBIDDEN')
    }
  }
  const made = await shop.rows('identity', 'SELECT 1 FROM accounts WHERE username LIKE $1', [`${username}%`])
  expect(made).toEqual([])
})

/** Places an order of one piece. */
async function order(person: Person, product: number): Promise<number> {
  const json = { items: [{ product_id: product, quantity: 1 }] }
  const answer = await shop.post<Order>('/orders', { token: person.token, json })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.data.id
}

test('S-33 S-48 deleting a user ends login, tokens and refresh, keeps the orders without the name, and retires the username', async () => {
  const [product] = await shop.importProducts([{ price: 5, stock: 5 }])
  const [person, admin] = await Promise.all([shop.register(), shop.admin()])
  const number = await order(person, product!)
  await shop.get('/users/profile', { token: person.token })
  const profiles = () => shop.rows('profiles', 'SELECT 1 FROM profiles WHERE username = $1', [person.username])
  expect(await profiles()).toHaveLength(1)

  const gone = await shop.del(`/users/${person.id}`, { token: admin })
  expect(gone.status).toBe(200)
  expect(gone.body).toEqual({ success: true, message: expect.stringMatching(/\S/) })

  const { token, username, password, refreshToken, claims } = person
  const places = [
    `${shop.urls.gateway}/users/profile`,
    `${shop.urls.users}/users/profile`,
    `${shop.urls.gateway}/orders`,
    `${shop.urls.orders}/orders`,
  ]
  for (const url of places) expectFailure(await call('GET', url, { token }), 401, 'INVALID_TOKEN', url)
  expectFailure(await shop.post('/auth/verify', { json: { token } }), 401, 'INVALID_TOKEN')
  expectFailure(await shop.post('/auth/refresh', { json: { refresh_token: refreshToken } }), 401, 'INVALID_TOKEN')
  expectFailure(await shop.post('/auth/login', { json: { username, password } }), 401, 'INVALID_CREDENTIALS')
  expectFailure(await shop.get(`/users/${person.id}`, { token: admin }), 404, 'USER_NOT_FOUND')
  expectFailure(await shop.del(`/users/${person.id}`, { token: admin }), 404, 'USER_NOT_FOUND')
  expect((await shop.get<User[]>('/users', { token: admin })).body.data.map(({ id }) => id)).not.toContain(person.id)

  for (const name of [username, username.toUpperCase()]) {
    expectFailure(await shop.post('/auth/register', { json: { username: name, password } }), 400, 'CREATION_FAILED')
    expectFailure(await shop.post('/users', { token: admin, json: { username: name } }), 400, 'CREATION_FAILED')
  }

  await eventually(
    () =>
      shop.rows<{ row: string }>('orders', 'SELECT row_to_json(o)::text AS row FROM orders o WHERE number = $1', [
        number,
      ]),
    ([kept]) => {
      expect(kept!.row).not.toContain(username)
      expect(kept!.row).not.toContain(claims.uid)
    },
  )
  const kept = await shop.get<Order>(`/orders/${number}`, { token: admin })
  expect(kept.body.data).toMatchObject({ id: number, total: 5, status: 'pending' })
  expect(kept.body.data.user_id).not.toBe(username)
  expect(await profiles()).toEqual([])
  expect(await shop.recorded('identity', claims.uid)).toEqual([
    'account.registered',
    'membership.started',
    'membership.ended',
    'account.deleted',
  ])
  expect(await shop.orderEvents(number)).toEqual(['order.placed'])
})

test('S-33 deleting a user twice at once deletes once; one account.deleted', async () => {
  const [person, token] = await Promise.all([shop.register(), shop.admin()])
  await shop.get('/users/profile', { token: person.token })
  const answers = await Promise.all(Array.from({ length: 5 }, () => shop.del(`/users/${person.id}`, { token })))
  expect(answers.some(({ status }) => status === 200)).toBe(true)
  for (const answer of answers) if (answer.status !== 200) expectFailure(answer, 404, 'USER_NOT_FOUND')
  expect(await shop.recorded('identity', person.claims.uid)).toEqual([
    'account.registered',
    'membership.started',
    'membership.ended',
    'account.deleted',
  ])
})
