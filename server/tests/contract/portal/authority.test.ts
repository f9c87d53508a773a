import { expect, inject } from 'vitest'
import { authorityOfAdministrators } from '../../support/authority.ts'
import { portalClient } from './client.ts'

const portal = portalClient(inject('arrangement'))

authorityOfAdministrators({
  contract: 'portal',
  roles: { administrator: 'admin', person: 'delivery_person' },
  identityRows: (text, values) => portal.rows('identity', text, values),
  async register() {
    const { id, token, email, password } = await portal.known()
    return { id, token, signIn: async () => (await portal.signIn(email, password)).token }
  },
  ask: (token) =>
    Promise.all(portal.listeners.map(([, listener]) => listener.get('/users', { token }).then(({ status }) => status))),
  remove: async (token, id) => {
    const { status } = await portal.ask('DELETE', `/users/${id}`, { token })
    expect([200, 204, 403]).toContain(status)
    return status
  },
  changeEmail: async (token, id, email) => (await portal.put(`/users/${id}`, { token, json: { email } })).status,
})
