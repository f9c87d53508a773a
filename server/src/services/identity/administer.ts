import type { Queryable } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { AccountView, Permission, RequestContext } from '../realm/index.ts'
import { grantOf } from './create-account.ts'
import { type Deps, originOf, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store/index.ts'

/** Who administers: the account that asks, with its role as the database has it. Undefined for an operator, who may do anything. */
export type Administrator = { accountId: string } | undefined

export interface AccountChange {
  active?: boolean | undefined
  role?: string | undefined
}

/** The account as it is now, with the role it had before. */
export type AdministeredAccount = AccountView & { formerRole: string }

/**
 * Changes a member's role or activation. Their tokens of this realm from before are refused everywhere when this resolves. Nobody changes
 * themselves, nobody without `tenants:cross` reaches into another tenant, touches somebody who has it or gives roles, and the last
 * administrator stays.
 */
export const administer =
  (deps: Deps) =>
  async (
    number: number,
    change: AccountChange,
    by: Administrator,
    context: RequestContext,
  ): Promise<AdministeredAccount> => {
    const { realm } = context
    const { roles } = realm.policy
    const grant = change.role === undefined ? undefined : grantOf(realm, change.role)
    const { changed, formerRole } = await deps.database.transaction(async (tx) => {
      const target = await lockedTarget(tx, number, change, by, context)
      const former = target.role ?? roles.person
      const newRole = grant && grant.role !== former ? grant : undefined
      const stops = change.active === false || (newRole !== undefined && !newRole.administrator)
      if (stops) await refuseLastAdministrator(tx, target.id, realm.name)
      const about = { accountId: target.id, realm: realm.name, until: revokedUntil(deps), eventId: newId() }
      if (newRole) await store.setRole(tx, { ...about, ...newRole })
      if (change.active !== undefined) await store.setActive(tx, { ...about, eventId: newId(), active: change.active })
      const details = {
        ...(change.active !== undefined && { active: change.active }),
        ...(newRole && { role: newRole.role, formerRole: former }),
      }
      if (Object.keys(details).length > 0) {
        const activity = { accountId: target.id, contract: realm.name, action: 'update_user', details }
        await store.recordActivity(tx, { ...activity, ...originOf(context) })
      }
      const changed = { ...target, role: newRole?.role ?? target.role, active: change.active ?? target.active }
      return { changed, formerRole: former }
    })
    deps.eventsRecorded()
    await deps.revocations.broadcast()
    return { ...store.viewOf(changed, roles), formerRole }
  }

/** The account to be changed, locked, once it is certain that the administrator may touch it. */
async function lockedTarget(
  tx: Queryable,
  number: number,
  change: AccountChange,
  by: Administrator,
  context: RequestContext,
): Promise<store.AccountRow> {
  const { realm } = context
  const found = await store.findAccountByNumber(tx, number, realm.name)
  const acting = by && (await administratorOf(tx, by, 'accounts:manage', context))
  const target = acting ? visibleTo(acting, found) : found
  if (!target || !(await store.lockAccount(tx, target.id))) throw refuse('identity.account_not_found')
  if (acting && target.id === acting.id) throw refuse('identity.not_oneself')
  if (acting && change.role !== undefined && !acting.permits('roles:grant')) throw refuse('identity.not_allowed')
  // Read and judged again under the lock: it may have risen meanwhile.
  const locked = await store.findAccount(tx, target.id, realm.name)
  if (!locked) throw refuse('identity.account_not_found')
  if (acting) visibleTo(acting, locked)
  return locked
}

export interface ActingAdministrator {
  id: string
  tenantId: string
  permits(permission: Permission): boolean
  /** The same of another member of the realm. */
  rolePermits(role: string | null, permission: Permission): boolean
}

/** Who asks, with the role that the database has now; a token may be older. Refuses whom that role does not permit it. */
export async function administratorOf(
  db: Queryable,
  { accountId }: NonNullable<Administrator>,
  permission: Permission,
  { realm }: RequestContext,
): Promise<ActingAdministrator> {
  const { permissions, person } = realm.policy.roles
  const account = await store.findAccount(db, accountId, realm.name)
  if (!account?.active) throw refuse('identity.not_allowed')
  const rolePermits = (role: string | null, one: Permission) => permissions[role ?? person]?.includes(one) ?? false
  if (!rolePermits(account.role, permission)) throw refuse('identity.not_allowed')
  return { id: account.id, tenantId: account.tenantId, rolePermits, permits: (one) => rolePermits(account.role, one) }
}

/**
 * The account, if this administrator may see it: without `tenants:cross` another tenant's account is refused like one that does not
 * exist, and so is one that has it.
 */
export function visibleTo(
  acting: ActingAdministrator,
  target: store.AccountRow | undefined,
): store.AccountRow | undefined {
  if (acting.permits('tenants:cross')) return target
  if (target?.tenantId !== acting.tenantId || acting.rolePermits(target.role, 'tenants:cross')) {
    throw refuse('identity.not_allowed')
  }
  return target
}

async function refuseLastAdministrator(tx: Queryable, accountId: string, realm: string): Promise<void> {
  const alone = await store.realmsAdministeredAlone(tx, accountId)
  if (alone.some((one) => one.realm === realm)) throw refuse('identity.last_administrator')
}
