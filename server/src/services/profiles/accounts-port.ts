import type { IdempotencyKey } from '../../platform/db/idempotency.ts'

/** What profiles shows of an account. */
export interface AccountSummary {
  id: string
  number: number
  /** The tenant's name. */
  tenant: string
  username: string
  email: string | null
  displayName: string | null
  /** ISO 8601: a profile is as old as its account. */
  createdAt: string
  /** The realms that it is a member of. */
  memberships: readonly Membership[]
}

/** What an account is in a realm. */
export interface Membership {
  realm: string
  /** The role that was given there; null: a person's. */
  role: string | null
  /** By `registered` and `joined` the person came of their own accord. */
  origin: 'registered' | 'joined' | 'added' | 'imported'
  /** ISO 8601, of identity's clock: one that ended and began anew has another. */
  since: string
}

/** What profiles needs of the service that keeps accounts; bound in the process, or over HTTP. */
export interface Accounts {
  find(accountId: string): Promise<AccountSummary | undefined>
  create(
    account: {
      /** The e-mail address, when absent. */
      username?: string | undefined
      email?: string | undefined
      password?: string | undefined
      displayName?: string | undefined
      role?: string | undefined
    },
    realm: string,
    idempotency: IdempotencyKey | undefined,
  ): Promise<AccountSummary>
  /**
   * Mails a link to a new address; sign-in and recovery follow when whoever opens it shows the password. `tellTaken`: an address that
   * is another's is refused with `identity.username_taken`.
   */
  proposeEmail(
    accountId: string,
    email: string,
    realm: string,
    options?: { tellTaken?: boolean | undefined },
  ): Promise<void>
  rename(accountId: string, displayName: string): Promise<void>
  /** Judged by identity. `by` is the administrator's account. */
  changeRole(accountId: string, role: string, by: string, realm: string): Promise<void>
  /**
   * Ends the membership; the account goes with its last one. False, and nothing changes, when it is over already.
   * @param by the administrator who wants it; the person, when absent. Refused with `identity.not_allowed`
   */
  remove(accountId: string, realm: string, by?: string): Promise<boolean>
  /** Those of the accounts that are active members of the realm. */
  active(accountIds: readonly string[], realm: string): Promise<readonly string[]>
}
