import type { Queryable } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import { type Deps, originOf } from './deps.ts'
import { announced, eventsJson, type MembershipStarted } from './events.ts'
import { isLocked, recordFailure } from './failures.ts'
import * as store from './store/index.ts'
import { queueMailOnce } from './store/mails.ts'
import { verificationLink } from './verify-email.ts'

export interface Joining {
  accountId: string
  origin: 'joined' | 'added'
  /** What the password was judged against: an account that changed since then does not join. Absent where nobody's was judged. */
  revision?: number
  grant?: store.Grant | undefined
  names?: MembershipStarted['names']
  /** True when a membership that an administrator removed begins anew: by registering or being added, never by signing in. */
  revives: boolean
}

export interface Joined {
  account: store.AccountRow
  /** The link that was mailed to prove the address, where the realm wants that. */
  verificationId: string | undefined
}

/**
 * Makes an account a member of the realm, as registering there would have: a tenant that wants its people approved waits for that.
 * It never makes a tenant or a first administrator. Gives the member, new or not; undefined when the account is gone, changed
 * meanwhile, or was removed from the realm.
 */
export async function joinRealm(deps: Deps, joining: Joining, context: RequestContext): Promise<Joined | undefined> {
  const joined = await deps.database.transaction((tx) => joinInside(deps, tx, joining, context))
  if (!joined) return undefined
  deps.eventsRecorded()
  deps.mailQueued()
  return joined
}

/** The same in a transaction of the caller's, who wakes relay and mail worker after it. */
export async function joinInside(
  deps: Deps,
  tx: Queryable,
  { accountId, origin, revision, grant, names, revives }: Joining,
  context: RequestContext,
): Promise<Joined | undefined> {
  const { realm } = context
  await store.lockAccount(tx, accountId)
  const about = await store.findStanding(tx, accountId, realm.name)
  if (!about || (revision !== undefined && about.revision !== revision)) return undefined
  if (about.state === 'removed' && !revives) return undefined
  let verificationId: string | undefined
  if (about.state === null || about.state === 'removed') {
    const settings = (await store.findTenant(tx, about.tenantName))?.settings
    const started = { realm: realm.name, origin, names, ...(grant && { role: grant.role }) }
    await store.insertMembership(tx, {
      accountId,
      realm: realm.name,
      grant,
      state: settings?.approval && origin === 'joined' ? 'pending' : 'active',
      origin,
      action: origin === 'added' ? 'add' : 'join',
      events: eventsJson([
        { type: 'membership.started', data: started },
        ...announced(deps, realm, 'registered', { ...about, id: accountId }),
      ]),
      mailId: newId(),
      ...originOf(context),
    })
    const unproven = about.email !== null && !about.emailVerified && realm.policy.verifiedEmail !== 'never'
    const link = verificationLink(deps, accountId, context)
    if (unproven && (await store.insertLink(tx, link))) verificationId = link.id
  }
  const account = await store.findAccount(tx, accountId, realm.name)
  return account && { account, verificationId }
}

/**
 * The revision of the account that has the name, in whichever realm, if the password is right: counted and locked as a sign-in is.
 * After a wrong one the owner is told how to join.
 */
export async function judgePassword(
  deps: Deps,
  by: { identifier: string; tenant: string; password: string },
  context: RequestContext,
): Promise<number | undefined> {
  const { database, passwords, lockout, clock } = deps
  const { realm } = context
  const found = await store.findCredentials(database, {
    tenant: by.tenant,
    identifier: by.identifier,
    byEmail: true,
    contract: realm.name,
    device: lockout.devicesOf(context),
    counters: lockout.countersOf(by.identifier, by.tenant, context),
  })
  const correct = await passwords.verify(by.password, found.passwordHash)
  const locked = isLocked(found, clock)
  if (found.id === null || found.revision === null) return undefined
  if (correct && !locked) return found.revision
  const account = store.viewOf(found as store.AccountRow, realm.policy.roles)
  const { counter, cookieKnown } = found
  await recordFailure(deps, { counter, account, counts: true, cookieKnown }, context)
  await tellHowToJoin(deps, found.id, context)
  return undefined
}

/** Mails the owner of a proven address, once an hour at most, that somebody wanted to register with it. */
async function tellHowToJoin(deps: Deps, accountId: string, { realm }: RequestContext): Promise<void> {
  const mail = { id: newId(), accountId, realm: realm.name, kind: 'how_to_join', everySeconds: 3600 } as const
  // Those who try at once take turns, or each would find that nothing was mailed yet.
  const queued = await deps.database.transaction(async (tx) =>
    (await store.lockAccount(tx, accountId)) ? queueMailOnce(tx, mail) : 0,
  )
  if (queued > 0) deps.mailQueued()
}
