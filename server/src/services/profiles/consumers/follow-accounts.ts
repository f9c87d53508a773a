import { DomainError, refuseAtEdge } from '../../../platform/errors.ts'
import type { DomainEvent } from '../../../platform/events/event.ts'
import type { EventHandlers } from '../../../platform/events/inbox.ts'
import { mainTenant } from '../../realm/index.ts'
import type { AccountSummary, Accounts } from '../accounts-port.ts'
import { changeOfRole } from '../change-role.ts'
import { type Deps, written } from '../deps.ts'
import { makeInside } from '../make-profile.ts'
import { standingOf } from '../profile-rows.ts'
import * as store from '../store/index.ts'
import { writeInside } from '../write-profile.ts'

/** What identity tells when an account was registered. Older events lack what is optional. */
interface Registered {
  number: number
  /** Absent from events of an older build. */
  tenant?: string
  username: string
  email: string | null
  displayName?: string | null
  contract?: string
  role?: string
  names?: { firstName?: string | null; lastName?: string | null }
  createdAt?: string
}

/** What the handlers need. */
export interface Following extends Pick<Deps, 'announce' | 'clock'> {
  /** What is known of accounts now; without it events are taken at their word, as when dead letters are replayed. */
  accounts?: Pick<Accounts, 'find'>
}

/** What profiles does when identity says that an account was registered, renamed, given a role or deleted. */
export function accountHandlers(following: Following): EventHandlers {
  /**
   * What an account is now, asked under the lock of its profile's row: so an event that comes late cannot bring back what a request
   * has changed since.
   */
  const now = async (accountId: string): Promise<AccountSummary | undefined> =>
    following.accounts?.find(accountId).catch(waitForIdentity)

  return {
    async 'account.registered'(tx, { subject, data, time }) {
      const payload = data as Registered
      const { number, tenant = mainTenant, username, email, displayName = null, contract, role, names } = payload
      const roles = contract !== undefined && role !== undefined ? [{ contract, role }] : []
      const createdAt = payload.createdAt ?? time
      const account = { id: subject, number, tenant, username, email, displayName, createdAt, roles }
      await makeInside(following, tx, account, { contract, ...(names && { fields: names }) })
    },
    async 'account.renamed'(tx, { subject, data }) {
      await writeInside(following, tx, subject, async (present) => {
        const { displayName } = (await now(subject)) ?? (data as { displayName: string | null })
        return displayName === present.displayName ? undefined : { to: { displayName } }
      })
    },
    async 'account.role_changed'(tx, { subject, data }) {
      const payload = data as { contract: string; role: string }
      await writeInside(following, tx, subject, async (present) => {
        const account = await now(subject)
        // Of a profile from before all is asked at once.
        if (present.roles === null) return account && { to: standingOf(present, account), unseen: true }
        const granted = account ? account.roles.find(({ contract }) => contract === payload.contract) : payload
        return granted && changeOfRole(present, payload.contract, granted.role)
      })
    },
    async 'account.deleted'(tx, { subject }) {
      await store.removeProfile(tx, subject)
    },
  }
}

/** The same for the service, with what is to be done once an effect is committed. */
export const followAccounts = (deps: Deps & { lookForOrphans(): void }) => ({
  handlers: accountHandlers(deps),
  onHandled({ type, subject }: DomainEvent): void {
    void written(deps, subject, true)
    if (type === 'account.deleted') deps.lookForOrphans()
  },
})

/** For a consumer, identity is away like anything else that is: the event waits, and no failure is counted. */
function waitForIdentity(error: unknown): never {
  if (error instanceof DomainError && error.code === 'edge.identity_unavailable') {
    throw refuseAtEdge('edge.unavailable', error.details, error)
  }
  throw error
}
