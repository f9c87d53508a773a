import { mainTenant, type Realm } from '../../services/realm/index.ts'
import { accountLinks } from '../_kit/pages/paths.ts'

/** Every role with what it permits. */
const permissions: Realm['policy']['roles']['permissions'] = {
  admin: ['accounts:read', 'accounts:manage', 'roles:grant'],
  delivery_person: [],
  merchant: [],
  logistics_technician: [],
}
export const roles = Object.keys(permissions)

/** How the portal signs people in, and what its tokens say. */
export const realm: Realm = {
  name: 'portal',
  title: 'Portal',
  policy: {
    identifier: 'email',
    verifiedEmail: 'never',
    secondFactor: 'enrolled',
    verificationEnrols: false,
    password: { minLength: 12, kinds: 4, refuseCommon: true },
    // NIST SP 800-63B-4 allows 100 failures at most.
    lockout: { failures: 10, seconds: 15 * 60 },
    accessTtl: 15 * 60,
    refreshTtl: 7 * 24 * 3600,
    // The link goes to people whom an administrator added, who do not wait for it, and nobody can ask for another one.
    sessionMax: 90 * 24 * 3600,
    resetTtl: 24 * 3600,
    tenant: { name: mainTenant },
    roles: { person: 'delivery_person', administrator: 'admin', permissions },
    joining: 'open',
    firstBecomesAdministrator: false,
    // Of its mail: the portal's document is French.
    locale: 'fr',
  },
  // RFC 7519, 4.1.2 has text for `sub`; clients of the reference read the id, a number.
  claims: ({ number, email, role }) => ({ sub: number, email: email ?? undefined, role, type: 'access' }),
  links: accountLinks('portal'),
}
