import { newId } from '../../platform/ids.ts'
import { type Deps, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store/index.ts'

/**
 * Deletes an account with its sessions and grants; its tokens are refused when this resolves, and the other services follow by
 * event. Deleting what is gone already changes nothing, and is false. The last administrator of a contract stays, and so does whoever has a role
 * in a contract that the administrator who asks has none in.
 */
export const deleteAccount =
  (deps: Deps) =>
  async (accountId: string, by?: { administratorId: string; contract: string }): Promise<boolean> => {
    const removed = await deps.database.transaction(async (tx) => {
      if (!(await store.lockAccount(tx, accountId))) return 0
      const alone = await store.contractsAdministeredAlone(tx, accountId)
      if (alone.length > 0) throw refuse('identity.last_administrator')
      if (by && (await store.reachesBeyond(tx, { accountId, ...by, arrivals: false }))) {
        throw refuse('identity.not_allowed')
      }
      return store.removeAccount(tx, { accountId, until: revokedUntil(deps), eventId: newId(), retire: true })
    })
    if (removed === 0) return false
    deps.eventsRecorded()
    await deps.revocations.broadcast()
    return true
  }
