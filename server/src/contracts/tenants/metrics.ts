import type { Metrics } from '../../platform/http/metrics.ts'
import type { Identity, Observation } from '../../services/identity/index.ts'
import { cachedFor } from '../_kit/cached-for.ts'
import { realm } from './realm.ts'

/** Tenants that have a label of their own; anybody can make tenants, and figures must not grow with them. */
const mostTenants = 1_000

/** The user service's figures, under the names that its dashboards know. */
export function metrics(metrics: Metrics, identity: Identity): (observation: Observation) => void {
  gauges(metrics, identity)
  const count = counters(metrics)
  return (observation) => {
    if (observation.contract === realm.name) count(observation)
  }
}

function gauges(metrics: Metrics, { accounts }: Identity): void {
  const counted = cachedFor(1_000, () => accounts.statistics({ realm }))
  metrics.gauge('active_users_total', 'Users who may sign in', async () => (await counted()).activeAccounts)
  metrics.gauge(
    'verified_users_total',
    'Users whose e-mail address is verified',
    async () => (await counted()).verifiedAccounts,
  )
  metrics.gauge('tenants_total', 'Tenants', async () => (await counted()).tenants)
  metrics.gauges('tenant_user_count', 'Users by tenant, of the thousand largest', 'tenant_id', async () => {
    const tenants = await accounts.countByTenant({ realm })
    return Object.fromEntries(tenants.map(({ tenant, accounts }) => [String(tenant), accounts]))
  })
}

function counters(metrics: Metrics): (observation: Observation) => void {
  const attempts = metrics.counter('auth_attempts_total', 'Registrations and sign-ins', ['type', 'status'])
  const actions = metrics.counter('user_actions_total', 'What users did', ['action_type', 'tenant_id', 'role'])
  const durations = metrics.histogram('user_action_duration_seconds', 'Time that actions took', ['action_type'])
  const failed = metrics.counter('failed_logins_total', 'Refused sign-ins', ['reason'])
  const refreshes = metrics.counter('token_refreshes_total', 'Renewals of tokens', ['status'])
  const resets = metrics.counter('password_resets_total', 'Password resets, requested and done', ['status'])
  const verifications = metrics.counter('email_verifications_total', 'Verifications of addresses', ['status'])
  const roleChanges = metrics.counter('user_role_changes_total', 'Changes of role', ['from_role', 'to_role'])
  const tenantLabel = boundedLabel()

  const special: Readonly<Record<string, (observation: Observation, status: string) => void>> = {
    register: (_, status) => attempts.inc({ type: 'register', status }),
    login: signIn,
    second_factor: signIn,
    refresh: (_, status) => refreshes.inc({ status }),
    verify_email: (_, status) => verifications.inc({ status }),
    reset_password_request: (_, status) => resets.inc({ status: status === 'success' ? 'requested' : status }),
    reset_password: (_, status) => resets.inc({ status }),
    update_user({ account }) {
      if (!account?.formerRole || account.formerRole === account.role) return
      roleChanges.inc({ from_role: account.formerRole, to_role: account.role })
    },
  }

  function signIn({ action, outcome, account }: Observation, status: string) {
    // A right password without a session: the account has a second factor.
    attempts.inc({ type: action, status: status === 'success' && !account ? 'second_factor_required' : status })
    if (status === 'failure') failed.inc({ reason: outcome.replace(/^\w+\./, '') })
  }

  return (observation) => {
    const { action, outcome, seconds, account } = observation
    const status = outcome === 'success' ? 'success' : 'failure'
    durations.observe({ action_type: action }, seconds)
    special[action]?.(observation, status)
    if (status === 'failure') return
    const tenant = account ? tenantLabel(account.tenant.number) : 'unknown'
    actions.inc({ action_type: action, tenant_id: tenant, role: account?.role ?? 'unknown' })
  }
}

/** The first thousand tenants by their numbers, all others as one. */
function boundedLabel(): (tenant: number) => string {
  const known = new Set<number>()
  return (tenant) => {
    if (known.size < mostTenants) known.add(tenant)
    return known.has(tenant) ? String(tenant) : 'other'
  }
}
