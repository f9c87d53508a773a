import type { AccessClaims } from '../../platform/http/token-verifier.ts'
import { newId } from '../../platform/ids.ts'
import { administratorOf, visibleTo } from './administer.ts'
import { type Deps, originOf } from './deps.ts'
import { refuse } from './errors.ts'
import type { AccountView, Client } from './policy.ts'
import * as store from './store/index.ts'
import { tenantName } from './tenants.ts'

/** Tenants that a list of counts names at most. */
const mostTenants = 1000

/** Reading accounts, their activity and figures. */
export const readAccounts = (deps: Deps) => {
  const { database } = deps

  const find = async (id: string, { terms }: Client): Promise<AccountView> => {
    const row = await store.findAccount(database, id, terms.name)
    const { tenant, roles } = terms.policy
    // By a contract with one tenant there is nobody in the others.
    const elsewhere = tenant !== 'named' && row?.tenantName.toLowerCase() !== tenant.name.toLowerCase()
    if (!row || elsewhere) throw refuse('identity.account_not_found')
    return store.viewOf(row, roles)
  }

  /** An account that an administrator asks for by its number. */
  const findFor = async (number: number, administrator: AccessClaims, client: Client): Promise<store.AccountRow> => {
    const { terms } = client
    const found = await store.findAccountByNumber(database, number, terms.name)
    const asking = await administratorOf(database, { accountId: administrator.uid }, 'accounts:read', client)
    const visible = visibleTo(asking, found)
    if (!visible) throw refuse('identity.account_not_found')
    return visible
  }

  return {
    /** An account by its id; refuses with `identity.account_not_found`. */
    find,

    /** An account by username or proven address, in the contract's own tenant. */
    async findByName(name: string, { terms }: Client): Promise<AccountView> {
      const row = await store.findAccountByName(database, tenantName(terms.policy, undefined), name.trim(), terms.name)
      if (!row) throw refuse('identity.account_not_found')
      return store.viewOf(row, terms.policy.roles)
    },

    /** A page of accounts that the administrator may see: those of their tenant, or of all with `tenants:cross`. */
    async list(
      by: { tenant?: number | undefined; role?: string | undefined; limit: number; offset: number },
      administrator: AccessClaims,
      client: Client,
    ): Promise<{ total: number; accounts: AccountView[] }> {
      const { terms } = client
      const { roles } = terms.policy
      const asking = await administratorOf(database, { accountId: administrator.uid }, 'accounts:read', client)
      const crosses = asking.permits('tenants:cross')
      const { total, rows } = await store.listAccounts(database, {
        contract: terms.name,
        tenantId: crosses ? undefined : asking.tenantId,
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
      store.listActivities(database, { ...by, action: by.action }),

    /** The same of another account, for an administrator who may see it. */
    async activitiesOf(
      number: number,
      by: { action?: string | undefined; limit: number; offset: number },
      administrator: AccessClaims,
      client: Client,
    ): Promise<store.Activity[]> {
      const account = await findFor(number, administrator, client)
      return store.listActivities(database, { ...by, action: by.action, accountId: account.id })
    },

    /** The newest activities of everybody. */
    recentActivities: (limit: number) => store.recentActivities(database, limit),

    /** Counts of the contract's own tenant, or of all tenants where its requests name them. */
    statistics: ({ terms }: Pick<Client, 'terms'>): Promise<store.Statistics> => {
      const { tenant } = terms.policy
      return store.countAccounts(database, {
        contract: terms.name,
        tenant: tenant === 'named' ? undefined : tenant.name,
      })
    },

    /** Accounts by tenant, the thousand largest. */
    countByTenant: () => store.countByTenant(database, mostTenants),

    /** What people change of themselves: name, and preferences as a whole. */
    async changePerson(
      accountId: string,
      change: { displayName?: string | undefined; preferences?: Readonly<Record<string, unknown>> | undefined },
      client: Client,
    ): Promise<void> {
      const { displayName, preferences } = change
      const changed = await store.changePerson(database, { accountId, displayName, preferences, eventId: newId() })
      if (changed === 0) throw refuse('identity.account_not_found')
      deps.eventsRecorded()
      const details = {
        fields: Object.entries(change).flatMap(([field, value]) => (value === undefined ? [] : [field])),
      }
      const activity = { accountId, contract: client.terms.name, action: 'update_profile', details }
      await store.recordActivity(database, { ...activity, ...originOf(client) })
    },
  }
}
