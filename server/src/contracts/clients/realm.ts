import { mainTenant, type Realm } from '../../services/realm/index.ts'
import { accountLinks } from '../_kit/pages/paths.ts'

/** How clients are signed in, and what their tokens say. */
export const realm: Realm = {
  name: 'clients',
  title: 'Clients',
  policy: {
    identifier: 'email',
    verifiedEmail: 'required',
    secondFactor: 'always',
    verificationEnrols: true,
    password: { minLength: 8 },
    lockout: { failures: 5, seconds: 30 * 60 },
    accessTtl: 24 * 3600,
    refreshTtl: 30 * 24 * 3600,
    // This contract mails no such link; it is said because every policy says it.
    sessionMax: 90 * 24 * 3600,
    resetTtl: 15 * 60,
    tenant: { name: mainTenant },
    roles: { person: 'client', permissions: { client: [] } },
    joining: 'open',
    firstBecomesAdministrator: false,
    locale: 'en',
  },
  claims: ({ id, email }) => ({ sub: id, client_id: id, email, typ: 'access' }),
  announce(fact, { id, email, displayName }, at) {
    switch (fact) {
      case 'registered':
        return {
          type: 'client.registered',
          data: { client_id: id, email, name: displayName, registered_at: at.toISOString() },
        }
      case 'email_verified':
        return { type: 'client.email_verified', data: { client_id: id, email, verified_at: at.toISOString() } }
      case 'logged_in':
        return { type: 'client.logged_in', data: { client_id: id, logged_in_at: at.toISOString() } }
      case 'logged_out':
      case 'logged_out_everywhere':
      case 'locked':
      case 'password_reset_requested':
      case 'password_reset':
        return undefined
    }
  },
  links: {
    ...accountLinks('clients'),
    verifyEmail: ({ accountId, token }) => `/api/v1/clients/${accountId}/verify_email?token=${token}`,
  },
}
