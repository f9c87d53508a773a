import { expect, inject } from 'vitest'
import { authorityOfAdministrators } from '../../support/authority.ts'
import { eventually } from '../../support/eventually.ts'
import { call, shopClient } from './client.ts'

const shop = shopClient(inject('arrangement'))
const { gateway, users } = shop.urls

authorityOfAdministrators({
  contract: 'shop',
  roles: { administrator: 'admin', person: 'user' },
  identityRows: (text, values) => shop.rows('identity', text, values),
  async register() {
    const { id, token, username, password } = await shop.register()
    await eventually(
      () => shop.get('/users/profile', { token }),
      ({ status }) => expect(status).toBe(200),
    )
    return { id, token, signIn: async () => (await shop.signIn(username, password)).access_token }
  },
  ask: (token) =>
    Promise.all([gateway, users].map((url) => call('GET', `${url}/users`, { token }).then(({ status }) => status))),
  remove: async (token, id) => {
    const { status } = await shop.del(`/users/${id}`, { token })
    expect([200, 403]).toContain(status)
    return status
  },
  changeEmail: async (token, id, email) => (await shop.put(`/users/${id}`, { token, json: { email } })).status,
})
