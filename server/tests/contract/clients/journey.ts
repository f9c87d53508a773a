import { expect } from 'vitest'
import type { OpenJourney } from '../../support/journey.ts'
import { clientsClient } from './client.ts'

/** The clients' part in the tests of all contracts at once. */
export const open: OpenJourney = async (arrangement) => {
  const clients = clientsClient(arrangement)
  return {
    door: '/api/v1/me',
    async travel() {
      const person = await clients.signedIn()
      const me = await clients.get('/api/v1/me', { token: person.token })
      expect(me.body).toMatchObject({ email: person.email, email_verified: true })
      return person
    },
    renew: async (refresh_token) => (await clients.post('/api/v1/auth/refresh_token', { refresh_token })).status,
  }
}
