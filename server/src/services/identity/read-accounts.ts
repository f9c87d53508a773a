import { newId } from '../../platform/ids.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'
import { administratorOf, visibleTo } from './administer.ts'
import { type Deps, originOf } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store/index.ts'
import { tenantName } from './tenants.ts'

/** Tenants that a list of counts names at most. */
const mostTenants = 1000

/** Reading accounts, their activity and figures. */
export const readAccounts = (deps: Deps) => {
  const { database } = deps

  const find = async (id: string, { realm }: RequestContext): Promise<AccountView> => {
    const row = await store.findAccount(database, id, realm.name)
    const { tenant, roles } = realm.policy
    // By a contract with one tenant there is nobody in the others.
    const elsewhere = tenant !== 'named' && row?.tenantName.toLowerCase() !== tenant.name.toLowerCase()
    if (!row || elsewhere) throw refuse('identity.account_not_found')
    return store.viewOf(row, roles)
  }

  /** An account that an administrator asks for by its number. */
  const findFor = async (
    number: number,
    administrator: AccessClaims,
    context: RequestContext,
  ): Promise<store.AccountRow> => {
    const { realm } = context
    const found = await store.findAccountByNumber(database, number, realm.name)
    const acting = await administratorOf(database, { accountId: administrator.uid }, 'accounts:read', context)
    const visible = visibleTo(acting, found)
    if (!visible) throw refuse('identity.account_not_found')
    return visible
  }

  return {
    /** An account by its id; refuses with `identity.account_not_found`. */
    find,

    /** An account by username or proven address, in the contract's own tenant. */
    async findByName(name: string, { realm }: RequestContext): Promise<AccountView> {
      const row = await store.findAccountByName(database, tenantName(realm.policy, undefined), name.trim(), realm.name)
      if (!row) throw refuse('identity.account_not_found')
      return store.viewOf(row, realm.policy.roles)
    },

    /** A page of accounts that the administrator may see: those of their tenant, or of all with `tenants:cross`. */
    async list(
      by: { tenant?: number | undefined; role?: string | undefined; limit: number; offset: number },
      administrator: AccessClaims,
      context: RequestContext,
    ): Promise<{ total: number; accounts: AccountView[] }> {
      const { realm } = context
      const { roles } = realm.policy
      const acting = await administratorOf(database, { accountId: administrator.uid }, 'accounts:read', context)
      const crosses = acting.permits('tenants:cross')
      const { total, rows } = await store.listAccounts(database, {
        realm: realm.name,
        tenantId: crosses ? undefined : acting.tenantId,
        tenantNumber: crosses ? by.tenant : undefined,
        role: by.role,
        person: roles.person,
        limit: by.limit,
        offset: by.offset,
      })
      return { total, accounts: rows.map((row) => store.viewOf(row, roles)) }
    },

    /** A page of somebody's own activity, newest first. */
    activities: (by: { accountId: string; action?: string | undefined; limit: number; offset: number }) =>
      store.listActivities(database, { ...by, realm: undefined, action: by.action }),

    /** What a member did in the realm, for an administrator who may see it. */
    async activitiesOf(
      number: number,
      by: { action?: string | undefined; limit: number; offset: number },
      administrator: AccessClaims,
      context: RequestContext,
    ): Promise<store.Activity[]> {
      const account = await findFor(number, administrator, context)
      return store.listActivities(database, {
        ...by,
        realm: context.realm.name,
        action: by.action,
        accountId: account.id,
      })
    },

    /** The newest activities of the realm. */
    recentActivities: (limit: number, { realm }: Pick<RequestContext, 'realm'>) =>
      store.recentActivities(database, realm.name, limit),

    /** Counts of the contract's own tenant, or of all tenants where its requests name them. */
    statistics: ({ realm }: Pick<RequestContext, 'realm'>): Promise<store.Statistics> => {
      const { tenant } = realm.policy
      return store.countAccounts(database, {
        realm: realm.name,
        tenant: tenant === 'named' ? undefined : tenant.name,
      })
    },

    /** The realm's members by tenant, the thousand largest. */
    countByTenant: ({ realm }: Pick<RequestContext, 'realm'>) => store.countByTenant(database, realm.name, mostTenants),

    /** What people change of themselves: name, and preferences as a whole. */
    async changePerson(
      accountId: string,
      change: { displayName?: string | undefined; preferences?: Readonly<Record<string, unknown>> | undefined },
      context: RequestContext,
    ): Promise<void> {
      const { displayName, preferences } = change
      const changed = await store.changePerson(database, { accountId, displayName, preferences, eventId: newId() })
      if (changed === 0) throw refuse('identity.account_not_found')
      deps.eventsRecorded()
      const details = {
        fields: Object.entries(change).flatMap(([field, value]) => (value === undefined ? [] : [field])),
      }
      const activity = { accountId, contract: context.realm.name, action: 'update_profile', details }
      await store.recordActivity(database, { ...activity, ...originOf(context) })
    },
  }
}
