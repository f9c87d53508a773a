import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import { administratorOf } from './administer.ts'
import { type Deps, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store/index.ts'

/**
 * Ends a membership: nobody signs in to the realm by it any more, its tokens are refused when this resolves, and the other services
 * follow by event. The account goes with its last membership. Ending what is over already changes nothing, and is false. The last
 * administrator of a realm stays.
 * @param by the administrator who removes somebody else; the person themselves, or an operator, when absent
 */
export const removeMember =
  (deps: Deps) =>
  async (accountId: string, context: RequestContext, by?: { accountId: string }): Promise<boolean> => {
    const { realm } = context
    const removed = await deps.database.transaction(async (tx) => {
      if (by) await administratorOf(tx, by, 'accounts:manage', context)
      if (!(await store.lockAccount(tx, accountId))) return false
      const alone = await store.realmsAdministeredAlone(tx, accountId)
      if (alone.some((one) => one.realm === realm.name)) throw refuse('identity.last_administrator')
      const until = revokedUntil(deps)
      const ended = await store.removeMembership(tx, { accountId, realm: realm.name, until, eventId: newId() })
      if (ended?.others === 0) await store.removeAccount(tx, { accountId, until, eventId: newId() })
      return ended !== undefined
    })
    if (!removed) return false
    deps.eventsRecorded()
    await deps.revocations.broadcast()
    return true
  }
