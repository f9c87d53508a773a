import { mainTenant, type Realm } from '../../services/realm/index.ts'
import { accountLinks } from '../_kit/pages/paths.ts'

/** How the shop signs people in, and what its tokens say. */
export const realm: Realm = {
  name: 'shop',
  title: 'Shop',
  policy: {
    identifier: 'username',
    verifiedEmail: 'never',
    secondFactor: 'enrolled',
    verificationEnrols: false,
    password: { minLength: 8 },
    // NIST 800-63B-4 allows 100 failures at most; the rate limits below slow a guesser down long before.
    lockout: { failures: 50, seconds: 15 * 60 },
    accessTtl: 3600,
    refreshTtl: 30 * 24 * 3600,
    sessionMax: 90 * 24 * 3600,
    resetTtl: 15 * 60,
    tenant: { name: mainTenant },
    roles: {
      person: 'user',
      administrator: 'admin',
      permissions: { user: [], admin: ['accounts:read', 'accounts:manage', 'orders:manage'] },
    },
    joining: 'open',
    firstBecomesAdministrator: false,
    locale: 'en',
  },
  claims: ({ username, number, role }) => ({ sub: username, user_id: number, role, type: 'access' }),
  links: accountLinks('shop'),
}
