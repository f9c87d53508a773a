import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store.ts'

/** Changes the given fields of a profile. */
export const changeProfile =
  ({ database }: Deps) =>
  async (accountId: string, fields: store.ProfileFields): Promise<store.Profile> => {
    if (Object.values(fields).every((field) => field === undefined)) throw refuse('profiles.nothing_to_change')
    const changed = await store.changeProfile(database, accountId, fields)
    if (!changed) throw refuse('profiles.not_found')
    return changed
  }
