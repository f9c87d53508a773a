import { expect } from 'vitest'
import type { OpenJourney } from '../../support/journey.ts'
import { shopClient } from './client.ts'

/** The shop's part in the tests of all contracts at once. */
export const open: OpenJourney = async (arrangement) => {
  const shop = shopClient(arrangement)
  // Other files look at the stock of the demo's products.
  const [product = 0] = await shop.importProducts([{ price: 5, stock: 100 }])
  return {
    administrator: shop.admin,
    administration: {
      lists: async (token) => (await shop.get('/users?limit=1000', { token })).text,
      acts: async (token, { number }) => ({
        read: (await shop.get(`/users/${number}`, { token })).status,
        change: (await shop.put(`/users/${number}`, { token, json: { first_name: 'Changed' } })).status,
        address: (await shop.put(`/users/${number}`, { token, json: { email: 'taken@example.org' } })).status,
        remove: (await shop.del(`/users/${number}`, { token })).status,
      }),
    },
    door: '/users/profile',
    async travel() {
      const person = await shop.register('traveller')
      const how = { token: person.token }
      const changed = await shop.put(`/users/${person.id}`, { ...how, json: { first_name: 'Ada' } })
      expect(changed.status, changed.text).toBe(200)
      const ordered = await shop.post('/orders', { ...how, json: { items: [{ product_id: product, quantity: 1 }] } })
      expect(ordered.status, ordered.text).toBe(201)
      const profile = await shop.get<{ username: string; first_name: string }>('/users/profile', how)
      expect(profile.body.data).toMatchObject({ username: person.username, first_name: 'Ada' })
      return person
    },
    renew: async (refresh_token) => (await shop.post('/auth/refresh', { json: { refresh_token } })).status,
  }
}
