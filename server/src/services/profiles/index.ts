import type { Database, Statement } from '../../platform/db/database.ts'
import { pruneInbox } from '../../platform/db/pruning.ts'
import type { Accounts } from './accounts-port.ts'
import { addPerson } from './add-person.ts'
import { changeProfile } from './change-profile.ts'
import { refuse } from './errors.ts'
import { ownProfile } from './own-profile.ts'
import { removePerson } from './remove-person.ts'
import * as store from './store.ts'

export type { AccountSummary, Accounts } from './accounts-port.ts'
export { followAccounts } from './consumers/follow-accounts.ts'
export type { ProfilesErrorCode } from './errors.ts'
export type { Profile } from './store.ts'

/** Who a person is, beside the account: names, address, phone. */
export type Profiles = ReturnType<typeof openProfiles>

/** Where profiles' migrations lie. */
export const migrations = { name: 'profiles', directory: `${import.meta.dirname}/migrations` }

export function openProfiles({ database, accounts }: { database: Database; accounts: Accounts }) {
  const deps = { database, accounts }
  return {
    own: ownProfile(deps),
    add: addPerson(deps),
    change: changeProfile(deps),
    remove: removePerson(deps),
    list: (page: { limit: number; offset: number }) => store.listProfiles(database, page),
    async find(number: number): Promise<store.Profile> {
      const profile = await store.findByNumber(database, number)
      if (!profile) throw refuse('profiles.not_found')
      return profile
    },
  }
}

/** What profiles forgets, and after how long. */
export const pruning: readonly (() => Statement<unknown>)[] = [pruneInbox]
