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
  /** The roles it was granted. */
  roles: readonly { contract: string; role: string }[]
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
    contract: string,
    idempotency: IdempotencyKey | undefined,
  ): Promise<AccountSummary>
  /**
   * Mails a link to a new address; sign-in and recovery follow when it is opened. `tellTaken`: an address that is another's is
   * refused with `identity.username_taken`. Identity judges how far an administrator reaches, and may mail nothing.
   */
  proposeEmail(
    accountId: string,
    email: string,
    contract: string,
    options?: { tellTaken?: boolean | undefined; administratorId?: string | undefined },
  ): Promise<void>
  rename(accountId: string, displayName: string): Promise<void>
  /** Judged by identity. `by` is the administrator's account. */
  changeRole(accountId: string, role: string, by: string, contract: string): Promise<void>
  /** False, and nothing changes, when the account is gone already. `by`: who wants it removed; refused with `identity.not_allowed`. */
  remove(accountId: string, by?: { administratorId: string; contract: string }): Promise<boolean>
  /** Those of the accounts that may sign in. */
  active(accountIds: readonly string[]): Promise<readonly string[]>
}
