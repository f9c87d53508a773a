import { expect, inject, test } from 'vitest'
import { type Answer, expectFailure, type PortalListener, portalClient, type User, userLike } from './client.ts'

const portal = portalClient(inject('arrangement'))

/** Every user that there is, page by page. */
async function everybody(listener: PortalListener, token: string): Promise<User[]> {
  const users: User[] = []
  for (;;) {
    const page = await listener.get<User[]>(`/users?offset=${users.length}`, { token })
    expect(page.status, page.text).toBe(200)
    users.push(...page.body)
    if (page.body.length < 1000) return users
  }
}

/** Two answers in the same words; when they were given, and to which path, is another matter. */
const wordsOf = ({ body }: Answer<unknown>) => ({ ...(body as object), timestamp: undefined, path: undefined })

const noIntegers = ['x', '1.5', '1e3', '0x1', '%20', '%00', '%F0%9F%A6%8A', '1;', 'healthy']
const integersOfNobody = ['0', '-1', '999999999', '99999999999999999999']

test('P-06 P-08 P-20 P-23 an administrator lists the users as a bare array in order of id', async () => {
  const [admin, { id, name, email }] = [await portal.admin(), await portal.known()]
  for (const [, listener] of portal.listeners) {
    const users = await everybody(listener, admin)
    expect(users.map((user) => user.id)).toEqual(users.map((user) => user.id).sort((one, other) => one - other))
    expect(users.find((user) => user.id === id)).toEqual(userLike({ id, name, email }))
    expect(users.find((user) => user.email === 'admin@portal.example')?.role).toBe('admin')
  }
})

test('P-20 P-55 limit and offset page the list; what is out of bounds is 400 with what is wrong', async () => {
  const token = await portal.admin()
  const page = async (query: string) => (await portal.get<User[]>(`/users?${query}`, { token })).body
  const [first, second] = await page('limit=2')
  expect(await page('limit=1')).toEqual([first])
  expect(await page('limit=1&offset=1')).toEqual([second])
  expect(await page('offset=1000000')).toEqual([])
  expect((await page('limit=1000')).length).toBeGreaterThan(2)
  for (const query of ['limit=0', 'limit=-1', 'limit=1001', 'limit=x', 'limit=1.5', 'offset=-1', 'offset=x']) {
    const [field] = query.split('=')
    const answer = await portal.get(`/users?${query}`, { token })
    expectFailure(answer, 400, [expect.stringMatching(`^${field} must be `)])
  }
})

test('P-20 P-23 the list is for administrators', async () => {
  const { token } = await portal.register()
  for (const [, listener] of portal.listeners) {
    expectFailure(await listener.get('/users', { token }), 403)
    expectFailure(await listener.get('/users'), 401)
  }
})

test('P-21 P-24 an administrator reads anybody, a person reads herself, by id, as me and as the profile', async () => {
  const [admin, { id, name, email, token }] = [await portal.admin(), await portal.known()]
  const expected = userLike({ id, name, email })
  for (const [, listener] of portal.listeners) {
    const answers = [
      await listener.get(`/users/${id}`, { token: admin }),
      await listener.get(`/users/${id}`, { token }),
      await listener.get('/users/me', { token }),
      await listener.get('/auth/profile', { token }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers[0]?.body).toEqual(expected)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  }
})

test('P-08 whoever has just registered is there to read, without waiting for an event', async () => {
  const admin = await portal.admin()
  const statuses = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const { id, token } = await portal.register()
      const [own, asked] = await Promise.all([
        portal.get('/users/me', { token }),
        portal.get(`/users/${id}`, { token }),
      ])
      return [own.status, asked.status, (await portal.get(`/users/${id}`, { token: admin })).status]
    }),
  )
  expect(statuses).toEqual(Array(10).fill([200, 200, 200]))
})

test("P-21 P-24 other people's ids are 403 whether they exist or not, in the same words", async () => {
  const [{ token, id }, other] = [await portal.register(), await portal.register()]
  for (const [, listener] of portal.listeners) {
    for (const [method, json] of [
      ['GET', undefined],
      ['PUT', { name: 'Another' }],
      ['PUT', { name: 5 }],
      ['DELETE', undefined],
    ] as const) {
      const existing = await listener.call(method, `/users/${other.id}`, { token, json })
      expectFailure(existing, 403)
      for (const nobody of integersOfNobody) {
        const answer = await listener.call(method, `/users/${nobody}`, { token, json })
        expectFailure(answer, 403)
        expect(wordsOf(answer)).toEqual(wordsOf(existing))
      }
    }
    expectFailure(await listener.del(`/users/${id}`, { token }), 403)
    expectFailure(await listener.patch(`/users/${id}/role`, { token, json: { role: 'admin' } }), 403)
  }
  expect((await portal.get('/users/me', { token: other.token })).body.name).toBe(other.name)
})

test('P-21 P-24 P-55 an id that is no integer is 400, one that nobody has is 404 to an administrator', async () => {
  const token = await portal.admin()
  const ask = {
    GET: (id: string) => portal.get(`/users/${id}`, { token }),
    PUT: (id: string) => portal.put(`/users/${id}`, { token, json: { name: 'Ada' } }),
    PATCH: (id: string) => portal.patch(`/users/${id}/role`, { token, json: { role: 'merchant' } }),
    DELETE: (id: string) => portal.del(`/users/${id}`, { token }),
  }
  for (const asked of Object.values(ask)) {
    for (const id of noIntegers) expectFailure(await asked(id), 400, ['id must be an integer number'])
    for (const id of integersOfNobody) expectFailure(await asked(id), 404, 'User not found')
  }
  const { token: person } = await portal.register()
  expectFailure(await portal.get('/users/x', { token: person }), 400, ['id must be an integer number'])
})

test('P-07 P-08 the literal paths come before the id', async () => {
  const { token, id } = await portal.register()
  for (const [, listener] of portal.listeners) {
    expect((await listener.get('/users/health')).body).toHaveProperty('dependencies')
    expect((await listener.get('/users/me', { token })).body.id).toBe(id)
  }
})
