import { DomainError, refuseAtEdge } from '../../../platform/errors.ts'
import type { DomainEvent } from '../../../platform/events/event.ts'
import type { EventHandlers } from '../../../platform/events/inbox.ts'
import type { AccountSummary, Accounts, Membership } from '../accounts-port.ts'
import { changeOfRole } from '../change-role.ts'
import { type Deps, written } from '../deps.ts'
import { makeInside } from '../make-profile.ts'
import * as store from '../store/index.ts'
import { writeInside } from '../write-profile.ts'

/** What identity tells when an account became a member of a realm. */
interface Started extends Omit<AccountSummary, 'id' | 'createdAt' | 'memberships'>, Omit<Membership, 'role'> {
  /** Absent for a person's. */
  role?: string
  names?: { firstName?: string | null; lastName?: string | null }
  /** When the account is not as old as the membership. */
  createdAt?: string
}

/** What the handlers need. */
export interface Following extends Pick<Deps, 'announce' | 'clock'> {
  /** What is known of accounts now; without it events are taken at their word, as when dead letters are replayed. */
  accounts?: Pick<Accounts, 'find'>
}

/** What profiles does when identity says that a membership began, ended or got another role, or that an account was deleted. */
export function accountHandlers(following: Following): EventHandlers {
  /**
   * What an account is in a realm now, asked under the lock of its profile's row: so an event that comes late cannot bring back what a
   * request has changed since.
   */
  const roleNow = async (accountId: string, realm: string, stated: string): Promise<string | null> => {
    if (!following.accounts) return stated
    const account = await following.accounts.find(accountId).catch(waitForIdentity)
    return account ? (account.memberships.find((one) => one.realm === realm)?.role ?? null) : stated
  }

  return {
    async 'membership.started'(tx, { subject, data, time }) {
      const { realm, role = null, origin, since, names, createdAt = time, ...about } = data as Started
      await makeInside(following, tx, {
        account: { ...about, id: subject, createdAt },
        membership: { realm, role, origin, since },
        tells: true,
        ...(names && { fields: names }),
      })
    },
    async 'membership.role_changed'(tx, { subject, data }) {
      const { realm, role } = data as { realm: string; role: string }
      await writeInside(following, tx, { accountId: subject, realm }, async (present) => {
        const now = await roleNow(subject, realm, role)
        return now === null ? undefined : changeOfRole(present, now)
      })
    },
    async 'membership.ended'(tx, { subject, data }) {
      const { realm, since } = data as { realm: string; since: string }
      const member = { accountId: subject, realm }
      const present = await store.lockProfile(tx, member)
      // Told late: the request that ended it removed its profile, and this one is of the membership that began anew since.
      if (present?.memberSince && present.memberSince > new Date(since)) return
      await store.removeProfile(tx, member, since)
    },
    async 'account.deleted'(tx, { subject }) {
      await store.removeAccount(tx, subject)
    },
  }
}

/** The same for the service, with what is to be done once an effect is committed. */
export const followAccounts = (deps: Deps & { lookForOrphans(): void }) => ({
  handlers: accountHandlers(deps),
  onHandled({ type, subject }: DomainEvent): void {
    void written(deps, subject, true)
    if (type === 'account.deleted' || type === 'membership.ended') deps.lookForOrphans()
  },
})

/** For a consumer, identity is away like anything else that is: the event waits, and no failure is counted. */
function waitForIdentity(error: unknown): never {
  if (error instanceof DomainError && error.code === 'edge.identity_unavailable') {
    throw refuseAtEdge('edge.unavailable', error.details, error)
  }
  throw error
}
