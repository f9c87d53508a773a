import { expect } from 'vitest'
import type { OpenJourney } from '../../support/journey.ts'
import { portalClient } from './client.ts'

/** The portal's part in the tests of all contracts at once. */
export const open: OpenJourney = async (arrangement) => {
  const portal = portalClient(arrangement)
  return {
    administrator: portal.admin,
    administration: {
      lists: async (token) => (await portal.get('/users?limit=1000', { token })).text,
      acts: async (token, { number }) => ({
        read: (await portal.get(`/users/${number}`, { token })).status,
        change: (await portal.put(`/users/${number}`, { token, json: { name: 'Changed' } })).status,
        address: (await portal.put(`/users/${number}`, { token, json: { email: 'taken@example.org' } })).status,
        promote: (await portal.patch(`/users/${number}/role`, { token, json: { role: 'admin' } })).status,
        remove: (await portal.del(`/users/${number}`, { token })).status,
      }),
    },
    door: '/users/me',
    async travel() {
      const person = await portal.register('traveller')
      const how = { token: person.token }
      const changed = await portal.put(`/users/${person.id}`, { ...how, json: { name: 'Ada' } })
      expect(changed.status, changed.text).toBe(200)
      expect((await portal.get('/users/me', how)).body).toMatchObject({ id: person.id, name: 'Ada' })
      return person
    },
    renew: async (refreshToken) => (await portal.post('/auth/refresh', { json: { refreshToken } })).status,
  }
}
