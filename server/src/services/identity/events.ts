import type { DomainEvent } from '../../platform/events/event.ts'
import { newId } from '../../platform/ids.ts'
import type { Fact, FactAbout, Realm } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import type { MembershipOrigin } from './store/memberships.ts'

/** What identity tells the other services. The subject of each is the account. A realm may add events of its own. */
export type IdentityEvent =
  | DomainEvent<'account.registered', AccountRegistered>
  | DomainEvent<'account.deleted', Record<string, never>>
  | DomainEvent<'account.renamed', { displayName: string | null }>
  | DomainEvent<'membership.started', MembershipStarted>
  | DomainEvent<'membership.role_changed', { realm: string; role: string }>
  | DomainEvent<'membership.activated' | 'membership.deactivated', { realm: string }>
  | DomainEvent<'membership.ended', { realm: string; since: string }>
  | DomainEvent<'session.revoked', { sessionId: string; contract: string; reason: 'refresh_token_reused' }>

export interface AccountRegistered {
  number: number
  /** Name of the tenant. */
  tenant: string
  username: string
  email: string | null
  displayName: string | null
  /** When it is not as old as this event: that of an imported account. */
  createdAt?: string
}

/** With what is known of the account, so that whoever follows a realm need not ask. */
export interface MembershipStarted extends AccountRegistered {
  realm: string
  /** The role that was given; absent for a person's. */
  role?: string
  origin: MembershipOrigin
  /** ISO 8601. A membership that ended and began anew is another. */
  since: string
  /** The parts of the person's name, where they were said apart; identity does not keep them. */
  names?: { firstName?: string | null | undefined; lastName?: string | null | undefined }
}

interface NewEvent {
  type: string
  data: Readonly<Record<string, unknown>>
}

/** Events as the statements take them: a JSON list, each with an id of its own. */
export const eventsJson = (events: readonly NewEvent[]): string =>
  JSON.stringify(events.map(({ type, data }) => ({ id: newId(), type, data })))

/** The contract's own event for a fact, if it announces one. */
export function announced({ clock }: Deps, realm: Realm, fact: Fact, account: FactAbout): NewEvent[] {
  const event = realm.announce?.(fact, account, new Date(clock.now()))
  return event ? [event] : []
}
