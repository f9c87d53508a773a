import type { Queryable } from '../../../platform/db/database.ts'
import type { DomainEvent } from '../../../platform/events/event.ts'
import * as store from '../store.ts'

/** What orders does when identity says that a membership ended, or that an account was deleted. */
export const followAccounts = {
  async 'membership.ended'(tx: Queryable, { subject, data }: DomainEvent): Promise<void> {
    await store.anonymiseOrders(tx, subject, (data as { realm: string }).realm)
  },
  async 'account.deleted'(tx: Queryable, { subject }: DomainEvent): Promise<void> {
    await store.anonymiseOrders(tx, subject)
  },
}
