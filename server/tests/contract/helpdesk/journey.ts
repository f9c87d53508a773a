import { expect } from 'vitest'
import type { OpenJourney } from '../../support/journey.ts'
import { helpdeskClient } from './client.ts'

/** The helpdesk's part in the tests of all contracts at once. */
export const open: OpenJourney = async (arrangement) => {
  const helpdesk = helpdeskClient(arrangement)
  return {
    administrator: helpdesk.admin,
    administration: {
      async lists(token) {
        const pages = ['/api/admin/users?limit=100', '/api/admin/users?limit=100&search=traveller', '/api/admin/stats']
        return (await Promise.all(pages.map((page) => helpdesk.users.get(page, { token }))))
          .map(({ text }) => text)
          .join('')
      },
      acts: async (token, { uid }) => ({
        read: (await helpdesk.users.get(`/api/admin/users/${uid}`, { token })).status,
        change: (await helpdesk.users.put(`/api/admin/users/${uid}`, { token, json: { firstName: 'Changed' } })).status,
        address: (await helpdesk.users.put(`/api/admin/users/${uid}`, { token, json: { email: 'taken@example.org' } }))
          .status,
        promote: (await helpdesk.users.put(`/api/admin/users/${uid}/role`, { token, json: { role: 'admin' } })).status,
        remove: (await helpdesk.users.del(`/api/admin/users/${uid}`, { token })).status,
      }),
    },
    door: '/api/profile/me',
    async travel() {
      const person = await helpdesk.register('traveller')
      const how = { token: person.token }
      const changed = await helpdesk.users.put('/api/profile/me', {
        ...how,
        json: { firstName: 'Ada', department: 'Support' },
      })
      expect(changed.status, changed.text).toBe(200)
      const me = await helpdesk.get('/api/auth/me', how)
      expect(me.body).toMatchObject({ user: { email: person.email } })
      return person
    },
    renew: async (refreshToken) => (await helpdesk.post('/api/auth/refresh', { json: { refreshToken } })).status,
  }
}
