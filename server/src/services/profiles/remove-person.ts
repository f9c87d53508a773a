import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store.ts'

/** Deletes a person everywhere: the account first, so that nobody can sign in any more, then the profile; the rest follows by event. */
export const removePerson =
  ({ database, accounts }: Deps) =>
  async (number: number): Promise<void> => {
    const profile = await store.findByNumber(database, number)
    if (!profile) throw refuse('profiles.not_found')
    await accounts.remove(profile.accountId)
    await store.removeProfile(database, profile.accountId)
  }
