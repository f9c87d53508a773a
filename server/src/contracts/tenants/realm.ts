import type { Realm } from '../../services/realm/index.ts'
import { accountLinks } from '../_kit/pages/paths.ts'

/** How the user service signs people in, and what its tokens say. */
export const realm: Realm = {
  name: 'tenants',
  title: 'Tenants',
  policy: {
    identifier: 'email',
    verifiedEmail: 'mailed',
    secondFactor: 'enrolled',
    verificationEnrols: false,
    password: { minLength: 8, kinds: 4 },
    // NIST SP 800-63B-4 allows 100 failures at most.
    lockout: { failures: 10, seconds: 15 * 60 },
    accessTtl: 15 * 60,
    refreshTtl: 30 * 24 * 3600,
    sessionMax: 90 * 24 * 3600,
    resetTtl: 3600,
    tenant: 'named',
    roles: {
      person: 'user',
      administrator: 'vendor_admin',
      tenantCreator: 'tenant_admin',
      permissions: {
        user: [],
        tenant_admin: ['accounts:read', 'accounts:manage'],
        vendor_admin: ['accounts:read', 'accounts:manage', 'tenants:cross', 'roles:grant', 'statistics:read'],
      },
    },
    joining: 'open',
    firstBecomesAdministrator: false,
    locale: 'en',
  },
  claims: ({ number, tenant, role }) => ({ sub: String(number), tenant_id: tenant.number, role, type: 'access' }),
  links: accountLinks('tenants'),
}
