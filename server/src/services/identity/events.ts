import type { DomainEvent } from '../../platform/events/event.ts'

/** What identity tells the other services. The subject of each is the account. */
export type IdentityEvent =
  | DomainEvent<'account.registered', AccountRegistered>
  | DomainEvent<'account.deleted', Record<string, never>>
  | DomainEvent<'account.role_changed', { contract: string; role: string }>
  | DomainEvent<'session.revoked', { sessionId: string; contract: string; reason: 'refresh_token_reused' }>

export interface AccountRegistered {
  number: number
  tenantId: string
  username: string
  email: string | null
}
