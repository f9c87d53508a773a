import { expect } from 'vitest'
import type { OpenJourney } from '../../support/journey.ts'
import { helpdeskClient } from './client.ts'

/** The helpdesk's part in the tests of all contracts at once. */
export const open: OpenJourney = async (arrangement) => {
  const helpdesk = helpdeskClient(arrangement)
  return {
    administrator: helpdesk.admin,
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
