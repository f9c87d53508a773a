import { expect } from 'vitest'
import type { OpenJourney } from '../../support/journey.ts'
import { tenantsClient } from './client.ts'

/** The tenants' part in the tests of all contracts at once. */
export const open: OpenJourney = async (arrangement) => {
  const tenants = tenantsClient(arrangement)
  await tenants.ensureVendor()
  return {
    administrator: async () => (await tenants.vendor()).token,
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
