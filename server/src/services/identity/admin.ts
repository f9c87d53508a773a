import { newId } from '../../platform/ids.ts'
import { type AccountView, operator, type Realm } from '../realm/index.ts'
import { administer } from './administer.ts'
import { type Deps, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import { eventsJson } from './events.ts'
import * as store from './store/index.ts'
import { readTenantName, tenantName } from './tenants.ts'

/** Sessions that a list shows at most. */
const mostSessions = 100
/** Tenants that are looked through for one of a like name. */
const mostTenants = 10_000

/** What an operator does at the command line, by an account's username or proven address. */
export const admin = (deps: Deps) => {
  const { database, lockout } = deps
  const change = administer(deps)

  const find = async (name: string, realm: Realm, tenant?: string): Promise<store.AccountRow> => {
    const account = await store.findAccountByName(database, tenantName(realm.policy, tenant), name, realm.name)
    if (!account) throw refuse('identity.account_not_found')
    return account
  }

  return {
    /** Gives an account a role in a contract. Tokens with its former role are refused when this resolves. */
    async grantRole(name: string, role: string, realm: Realm, tenant?: string): Promise<AccountView> {
      const account = await find(name, realm, tenant)
      return change(account.number, { role }, undefined, operator(realm))
    },

    /** Forgets the failed sign-ins counted for a name, whatever device they came from. True when there were some. */
    async unlock(name: string, realm: Realm, tenant?: string): Promise<boolean> {
      const inTenant = tenantName(realm.policy, tenant)
      const account = await store.findAccountByName(database, inTenant, name, realm.name)
      const counter = lockout.countersOf(name, inTenant, operator(realm)).unknownDevices
      const codes = account && lockout.codesOf(account.id)
      const about = { counter, codes, accountId: account?.id ?? null, contract: realm.name }
      return (await store.forgetFailures(database, about)) > 0
    },

    /** Turns the second factor off, for somebody who lost the mailbox. True when it was on. */
    async turnSecondFactorOff(name: string, realm: Realm, tenant?: string): Promise<boolean> {
      const account = await find(name, realm, tenant)
      const changed = await store.setSecondFactor(database, account.id, false)
      const activity = { accountId: account.id, contract: realm.name, action: 'second_factor_off' }
      await store.recordActivity(database, { ...activity, ip: null, userAgent: undefined })
      return changed > 0
    },

    async listSessions(name: string, realm: Realm, tenant?: string): Promise<store.ListedSession[]> {
      const account = await find(name, realm, tenant)
      return store.listSessions(database, account.id, mostSessions)
    },

    /** Ends every session of an account, in every contract. Gives how many there were. */
    async endSessions(name: string, realm: Realm, tenant?: string): Promise<number> {
      const account = await find(name, realm, tenant)
      const ended = await store.endSessions(database, {
        accountId: account.id,
        contract: undefined,
        except: undefined,
        reason: 'operator',
        until: revokedUntil(deps),
        events: eventsJson([]),
        activity: 'logout',
        askedBy: realm.name,
        ip: null,
        userAgent: undefined,
      })
      await deps.revocations.broadcast()
      return ended
    },

    async setActive(name: string, active: boolean, realm: Realm, tenant?: string): Promise<AccountView> {
      const account = await find(name, realm, tenant)
      return change(account.number, { active }, undefined, operator(realm))
    },

    tenantSettings: async (name: string): Promise<store.TenantSettings | undefined> =>
      (await store.findTenant(database, readTenantName(name)))?.settings,

    /** Those there are, for whoever mistyped one. */
    tenantNames: async (): Promise<string[]> =>
      (await store.listTenants(database, mostTenants)).map(({ name }) => name),

    /** Makes a tenant stricter; it is made when there is none of that name. */
    async changeTenant(named: string, settings: store.TenantSettings): Promise<store.TenantSettings> {
      const name = readTenantName(named)
      await store.ensureTenant(database, newId(), name)
      const changed = await store.changeTenantSettings(database, name, settings)
      return changed?.settings ?? settings
    },
  }
}
