import type { Queryable } from '../../../platform/db/database.ts'
import type { DomainEvent } from '../../../platform/events/event.ts'
import * as store from '../store.ts'

/** What profiles does when identity says that an account was registered or deleted. */
export const followAccounts = {
  async 'account.registered'(tx: Queryable, { subject, data }: DomainEvent): Promise<void> {
    const { number, username, email } = data as { number: number; username: string; email: string | null }
    await store.ensureProfile(tx, { id: subject, number, username, email })
  },
  async 'account.deleted'(tx: Queryable, { subject }: DomainEvent): Promise<void> {
    await store.removeProfile(tx, subject)
  },
}
