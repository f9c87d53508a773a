import { expect } from 'vitest'
import type { OpenJourney } from '../../support/journey.ts'
import { tenantsClient } from './client.ts'

/** The tenants' part in the tests of all contracts at once. */
export const open: OpenJourney = async (arrangement) => {
  const tenants = tenantsClient(arrangement)
  await tenants.ensureVendor()
  return {
    administrator: async () => (await tenants.vendor()).token,
    administration: {
      lists: async (token) =>
        (await tenants.get('/api/users?limit=1000', token)).text + (await tenants.get('/api/stats', token)).text,
      acts: async (token, { number }) => ({
        read: (await tenants.get(`/api/users/${number}/activity`, token)).status,
        deactivate: (await tenants.put(`/api/users/${number}`, { is_active: false }, token)).status,
        promote: (await tenants.put(`/api/users/${number}`, { role: 'tenant_admin' }, token)).status,
      }),
    },
    door: '/api/users/me',
    async travel() {
      const { user, admin } = await tenants.tenant()
      const listed = await tenants.get<{ users: { email: string }[] }>('/api/users', admin.token)
      expect(listed.body.users.map(({ email }) => email)).toContain(user.email)
      return user
    },
    renew: async (refreshToken) => (await tenants.refresh(refreshToken)).status,
  }
}
