import type { Realm } from '../../services/realm/index.ts'
import { pagePaths } from '../_kit/pages/routes.ts'

const pages = pagePaths('tenants')

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
    firstBecomesAdministrator: false,
    locale: 'en',
  },
  claims: ({ number, tenant, role }) => ({ sub: String(number), tenant_id: tenant.number, role, type: 'access' }),
  links: {
    verifyEmail: ({ token }) => `${pages.verifyEmail}?token=${token}`,
    resetPassword: ({ token }) => `${pages.resetPassword}?token=${token}`,
  },
}
