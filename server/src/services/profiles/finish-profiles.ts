import { DomainError, messageOf } from '../../platform/errors.ts'
import { backoffMs, pause, repeat } from '../../platform/signal.ts'
import type { Deps } from './deps.ts'
import { withRoles } from './profile-rows.ts'
import * as store from './store/index.ts'

/** Milliseconds between two looks for rows that an older build, running beside this one, left unfinished. */
const restMs = 60_000

/**
 * Completes, in the background, the profiles that are older than what is known of one today: gives them words and order, and asks
 * identity for their tenant and roles. Runs until it is stopped; several beside each other share the work.
 */
export function finishProfiles(deps: Deps) {
  const { database, log } = deps

  async function finish(signal: AbortSignal) {
    let finished = 0
    while (!signal.aborted) {
      const some = await database.transaction(store.indexSome)
      if (some === 0) break
      finished += some
    }
    for (let some = await store.withoutRoles(database); some.length > 0; some = await store.withoutRoles(database)) {
      for (const accountId of some) {
        if (signal.aborted) return
        await withRoles(deps, accountId).catch(unlessGone)
      }
    }
    if (finished > 0) log.info({ profiles: finished }, 'gave words and order to profiles from before')
  }

  let failures = 0
  return repeat(async (signal) => {
    try {
      await finish(signal)
      failures = 0
    } catch (error) {
      failures += 1
      log.debug({ failures, reason: messageOf(error) }, 'profiles from before could not be completed yet')
    }
    await pause(failures > 0 ? backoffMs(failures) : restMs, signal)
  })
}

/** Whoever was deleted meanwhile needs no completing. */
function unlessGone(error: unknown): void {
  if (error instanceof DomainError && error.code === 'profiles.not_found') return
  throw error
}
