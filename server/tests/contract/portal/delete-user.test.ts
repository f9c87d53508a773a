import { expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { shopClient } from '../shop/client.ts'
import { expectFailure, portalClient, someText, type User } from './client.ts'

const arrangement = inject('arrangement')
const portal = portalClient(arrangement)

test('P-06 P-08 deleting a user ends their tokens and sign-in; their id is given to nobody, their address is free again', async () => {
  const token = await portal.admin()
  for (const [, listener] of portal.listeners) {
    const person = await portal.known()
    const gone = await listener.del(`/users/${person.id}`, { token })
    expect(gone.status, gone.text).toBe(200)
    expect(gone.body).toEqual({ message: someText })

    for (const [, one] of portal.listeners) {
      expectFailure(await one.get('/users/me', { token: person.token }), 401)
      expectFailure(await one.get(`/users/${person.id}`, { token }), 404)
    }
    expectFailure(await portal.post('/auth/refresh', { json: { refreshToken: person.refreshToken } }), 401)
    expectFailure(await portal.login(person.email, person.password), 401)
    expectFailure(await listener.del(`/users/${person.id}`, { token }), 404)
    expectFailure(await listener.put(`/users/${person.id}`, { token, json: { name: 'Ghost' } }), 404)
    const left = await listener.get<User[]>('/users?limit=1000', { token })
    expect(left.body.map(({ id }) => id)).not.toContain(person.id)
    expect((await portal.register()).id).toBeGreaterThan(person.id)
    const { name, email, password } = person
    const again = await portal.post<{ user: User }>('/auth/register', { json: { name, email, password } })
    expect(again.status, again.text).toBe(201)
    const { id, token: own } = await portal.signIn(email, password)
    expect((await portal.get('/users/me', { token: own })).status).toBe(200)
    expect(id).toBeGreaterThan(person.id)
    expect((await listener.del(`/users/${id}`, { token })).status).toBe(200)
    const added = await portal.post<User>('/users', { token, json: { name, email } })
    expect(added.status, added.text).toBe(201)
    expect(added.body.id).toBeGreaterThan(id)
  }
})

test('P-06 only administrators delete, and nobody without a token', async () => {
  const [{ token }, other] = [await portal.register(), await portal.register()]
  for (const [, listener] of portal.listeners) {
    expectFailure(await listener.del(`/users/${other.id}`, { token }), 403)
    expectFailure(await listener.del(`/users/${other.id}`), 401)
  }
  expect((await portal.get('/users/me', { token: other.token })).status).toBe(200)
})

if (arrangement.name === 'all')
  test('who is removed from the portal stays in the shop that they joined, and is known to no other realm', async () => {
    const shop = shopClient(arrangement)
    const person = await portal.register('leaving')
    const [admin, shopAdmin] = [await portal.admin(), { token: await shop.admin() }]
    expect((await shop.get(`/users/${person.id}`, shopAdmin)).status, 'no member yet').toBe(404)
    const { email, password } = person
    const signIn = () => shop.post<{ access_token: string }>('/auth/login', { json: { username: email, password } })
    const joined = await signIn()
    expect(joined.status, joined.text).toBe(200)
    const token = joined.body.data?.access_token ?? ''
    await eventually(
      () => shop.get<{ email: string }>(`/users/${person.id}`, shopAdmin),
      ({ body }) => expect(body.data?.email).toBe(email),
    )
    const removed = await portal.del(`/users/${person.id}`, { token: admin })
    expect(removed.status, removed.text).toBe(200)
    expect((await portal.get('/users/me', { token: person.token })).status).toBe(401)
    expectFailure(await portal.login(email, password), 401)
    expect((await portal.get<User[]>('/users?limit=1000', { token: admin })).body.map(({ id }) => id)).not.toContain(
      person.id,
    )
    expect((await shop.get('/users/profile', { token })).status, 'the shop is another matter').toBe(200)
    expect((await signIn()).status).toBe(200)
    expect((await shop.del(`/users/${person.id}`, shopAdmin)).status).toBe(200)
    expect((await signIn()).status).toBe(401)
    const again = { name: person.name, email, password }
    expect((await portal.post('/auth/register', { json: again })).status, 'gone with the last').toBe(201)
  })
