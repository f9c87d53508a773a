import { DomainError } from '../../platform/errors.ts'
import type { RequestContext } from '../realm/index.ts'
import { activityOf } from './activity.ts'
import { type Deps, written } from './deps.ts'
import { refuse } from './errors.ts'
import { announced } from './events.ts'
import { rowFor } from './profile-rows.ts'
import * as store from './store/index.ts'

/**
 * Removes a person from the realm: the membership first, so that nobody can sign in any more, then the profile with what the log says
 * of the person there; the rest follows by event. What is to be announced is noted before, for whoever removes the profile: this request, or
 * the event of the membership when it is faster or this process ends here. Of several who remove the same person at once, one has done
 * it; to the others there is nobody.
 */
export const removePerson =
  (deps: Deps & { discard(avatarKey: string): Promise<void> }) =>
  async (accountId: string, context: RequestContext, administrator?: { accountId: string }): Promise<void> => {
    const { database, accounts } = deps
    const realm = context.realm.name
    const row = await rowFor(deps, accountId, context)
    await store.intendRemoval(database, row, announced(deps, realm, 'removed', row))
    let removed = false
    try {
      removed = await accounts.remove(accountId, realm, administrator?.accountId)
    } catch (error) {
      // Whoever was not heard may have done it all the same: only after a refusal is there nothing to be told.
      const refused = error instanceof DomainError && !error.code.startsWith('edge.')
      if (refused) await store.intendRemoval(database, row, undefined)
      throw error
    }
    const activity = removed && administrator && activityOf('admin_user_deleted', context, { accountId })
    const { emitted, avatarKey } = await database.transaction(async (tx) => {
      if (administrator && activity) {
        await store.logActivity(tx, { ...row, accountId: administrator.accountId }, activity)
      }
      return store.removeProfile(tx, row)
    })
    await written(deps, accountId, emitted)
    if (avatarKey !== null) await deps.discard(avatarKey)
    if (!removed) throw refuse('profiles.not_found')
  }
