import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store.ts'

/** A person's own profile. It is made here when the event of the registration has not arrived yet, so it is never late. */
export const ownProfile =
  ({ database, accounts }: Deps) =>
  async (accountId: string): Promise<store.Profile> => {
    const present = await store.findByAccount(database, accountId)
    if (present) return present
    const account = await accounts.find(accountId)
    if (!account) throw refuse('profiles.not_found')
    return store.ensureProfile(database, account)
  }
