import type { AccountView } from './account.ts'
import type { Policy } from './policy.ts'

/** What happened to an account, which a contract may announce under a name of its own. */
export type Fact =
  | 'registered'
  | 'email_verified'
  | 'logged_in'
  | 'logged_out'
  | 'logged_out_everywhere'
  | 'locked'
  | 'password_reset_requested'
  | 'password_reset'

/** What is known of an account where a fact is recorded. */
export interface FactAbout {
  id: string
  email: string | null
  displayName: string | null
}

/** What identity has to know of the contract that a request came by. */
export interface Realm {
  /** The contract's name, also the scope of its grants and secrets. */
  readonly name: string
  /** For people, in mail. */
  readonly title: string
  /** The audience of its tokens: its name, when absent. */
  readonly audience?: readonly string[]
  readonly policy: Policy
  /** The contract's own claims, beside the core's. */
  claims(account: AccountView): Record<string, unknown>
  /** The contract's own event for a fact, beside the core's. */
  announce?(fact: Fact, account: FactAbout, at: Date): { type: string; data: Record<string, unknown> } | undefined
  /** Where mailed links and refusals lead, below the listener that people reach. */
  readonly links: {
    /** Absent where no address has to be proven. */
    verifyEmail?(link: { accountId: string; token: string }): string
    resetPassword(link: { token: string }): string
    /** Where the present password chooses another one. */
    choosePassword: string
    changeAddress(link: { token: string }): string
    undoAddress(link: { token: string }): string
  }
}
