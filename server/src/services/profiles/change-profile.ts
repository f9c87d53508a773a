import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store.ts'

/**
 * Changes the given fields of a profile. A new address is shown at once; the account's own, which one signs in and recovers by,
 * follows when the link mailed to the new one is opened.
 */
export const changeProfile =
  ({ database, accounts }: Deps) =>
  async (accountId: string, fields: store.ProfileFields, contract: string): Promise<store.Profile> => {
    if (Object.values(fields).every((field) => field === undefined)) throw refuse('profiles.nothing_to_change')
    const { email } = fields
    if (email) {
      const present = await store.findByAccount(database, accountId)
      if (!present) throw refuse('profiles.not_found')
      // First, so that nothing has changed when the accounts cannot be reached.
      if (email !== present.email) await accounts.proposeEmail(accountId, email, contract)
    }
    const changed = await store.changeProfile(database, accountId, fields)
    if (!changed) throw refuse('profiles.not_found')
    return changed
  }
