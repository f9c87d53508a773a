import { newId } from '../../platform/ids.ts'
import { type Fact, mainTenant, type Permission, type Realm } from '../../services/realm/index.ts'
import { accountLinks } from '../_kit/pages/paths.ts'

/** The version of the interface, as answers and events state it. */
export const version = '1.0.0'

/** What every event of the helpdesk's carries beside its subject. */
export const envelopeOf = (service: string, at: Date) => ({
  eventId: newId(),
  service,
  version,
  timestamp: at.toISOString(),
})

/** The helpdesk's names for what happens to an account. */
const eventTypes: Readonly<Partial<Record<Fact, string>>> = {
  registered: 'user.registered',
  logged_in: 'user.login',
  logged_out: 'user.logout',
  logged_out_everywhere: 'user.logout_all_devices',
  locked: 'user.locked',
  password_reset_requested: 'user.password_reset_requested',
  password_reset: 'user.password_reset_completed',
}

/** The helpdesk's roles, the least of them first. `agent` is in the published types only. */
export const roles = ['user', 'agent', 'manager', 'admin'] as const

/** How the helpdesk signs people in, and what its tokens say. */
export const realm: Realm = {
  name: 'helpdesk',
  title: 'Helpdesk',
  audience: ['helpdesk', 'client-app'],
  policy: {
    identifier: 'email',
    verifiedEmail: 'never',
    secondFactor: 'enrolled',
    verificationEnrols: false,
    password: { minLength: 8, maxLength: 128, kinds: 3, refuseCommon: true },
    lockout: { failures: 5, seconds: 15 * 60 },
    accessTtl: 24 * 3600,
    refreshTtl: 7 * 24 * 3600,
    sessionMax: 90 * 24 * 3600,
    resetTtl: 15 * 60,
    tenant: { name: mainTenant },
    roles: {
      person: 'user',
      administrator: 'admin',
      permissions: {
        user: [],
        agent: [],
        manager: [],
        admin: ['accounts:read', 'accounts:manage', 'roles:grant', 'statistics:read'],
      } satisfies Record<(typeof roles)[number], readonly Permission[]>,
    },
    joining: 'open',
    firstBecomesAdministrator: false,
    locale: 'fr',
  },
  claims: ({ id, email, role }) => ({ sub: id, userId: id, email: email ?? undefined, role }),
  announce(fact, { id, email }, at) {
    const type = eventTypes[fact]
    if (type === undefined) return undefined
    return { type, data: { userId: id, ...(email !== null && { email }), ...envelopeOf('auth-service', at) } }
  },
  links: accountLinks('helpdesk'),
}
