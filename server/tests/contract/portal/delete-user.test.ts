import { expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { shopClient } from '../shop/client.ts'
import { ask, expectFailure, portalClient, someText, type User } from './client.ts'

const arrangement = inject('arrangement')
const portal = portalClient(arrangement)

test('P-06 P-08 deleting a user ends their tokens and sign-in; neither id nor address is given again', async () => {
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
    expectFailure(await portal.post('/auth/register', { json: { name, email, password } }), 409)
    expectFailure(await portal.post('/users', { token, json: { name, email } }), 409)
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
  test('an account that the portal deletes is gone by all contracts', async () => {
    const shop = shopClient(arrangement)
    const person = await portal.register('leaving')
    const shopAdmin = { token: await shop.admin() }
    await eventually(
      () => shop.get<{ email: string }>(`/users/${person.id}`, shopAdmin),
      ({ body }) => expect(body.data?.email).toBe(person.email),
    )
    const removed = await portal.del(`/users/${person.id}`, { token: await portal.admin() })
    expect(removed.status, removed.text).toBe(200)
    expect((await portal.get('/users/me', { token: person.token })).status).toBe(401)
    expect((await shop.get(`/users/${person.id}`, shopAdmin)).status).toBe(404)
    const login = { email: person.email, password: person.password }
    const elsewhere = await ask('POST', `${arrangement.urls.gateway}/api/auth/login`, { json: login })
    expect(elsewhere.status).toBe(401)
  })
