/** What happened to a profile, which a contract may announce under a name of its own. */
export type ProfileFact =
  | 'created'
  | 'changed'
  | 'changed_by_administrator'
  | 'role_changed'
  | 'avatar_changed'
  | 'avatar_removed'
  | 'removed'

/** What is known of a profile where a fact is recorded. */
export interface ProfileFactAbout {
  accountId: string
  number: number
  email: string | null
  /** The new one, of `role_changed`. */
  role?: string
}

/** The contract's own event for a fact; profiles has no other events. The subject is the account. */
export type AnnounceProfile = (
  fact: ProfileFact,
  about: ProfileFactAbout,
  at: Date,
) => { type: string; data: Record<string, unknown> } | undefined
