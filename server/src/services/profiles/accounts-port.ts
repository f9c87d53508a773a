import type { IdempotencyKey } from '../../platform/db/idempotency.ts'

/** What profiles shows of an account. */
export interface AccountSummary {
  id: string
  number: number
  username: string
  email: string | null
}

/** What profiles needs of the service that keeps accounts; bound in the process, or over HTTP. */
export interface Accounts {
  find(accountId: string): Promise<AccountSummary | undefined>
  create(
    account: { username: string; email?: string | undefined; password?: string | undefined },
    contract: string,
    idempotency: IdempotencyKey | undefined,
  ): Promise<AccountSummary>
  /** Mails a link to a new address; sign-in and recovery follow when it is opened. */
  proposeEmail(accountId: string, email: string, contract: string): Promise<void>
  /** Changes nothing when the account is gone already. */
  remove(accountId: string): Promise<void>
}
