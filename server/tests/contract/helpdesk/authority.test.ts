import { expect, inject } from 'vitest'
import { authorityOfAdministrators } from '../../support/authority.ts'
import { helpdeskClient } from './client.ts'

const helpdesk = helpdeskClient(inject('arrangement'))
const { users } = helpdesk

authorityOfAdministrators({
  contract: 'helpdesk',
  roles: { administrator: 'admin', person: 'user' },
  identityRows: helpdesk.rows,
  async register() {
    const { id, token, email, password } = await helpdesk.profiled()
    return { id, token, signIn: async () => (await helpdesk.signIn(email, password)).accessToken }
  },
  ask: (token) =>
    Promise.all([
      helpdesk.get('/api/auth/stats', { token }).then(({ status }) => status),
      users.get('/api/admin/users', { token }).then(({ status }) => status),
      users.get('/api/admin/stats', { token }).then(({ status }) => status),
    ]),
  remove: async (token, id) => {
    const { status } = await users.del(`/api/admin/users/${id}`, { token })
    expect([200, 403]).toContain(status)
    return status
  },
})
