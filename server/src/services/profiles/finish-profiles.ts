import { messageOf } from '../../platform/errors.ts'
import { backoffMs, pause, repeat } from '../../platform/signal.ts'
import { type Deps, written } from './deps.ts'
import { makeInside } from './make-profile.ts'
import * as store from './store/index.ts'

/** Milliseconds between two looks for rows that an older build, running beside this one, left unfinished. */
const restMs = 60_000
/** Below every account's id. */
const lowest = '00000000-0000-0000-0000-000000000000'

/**
 * Completes, in the background, the profiles that are older than what is known of one today: gives them words and order, and where a
 * profile is from before realms, asks identity where the account belongs and gives each of those realms its own. Runs until it is stopped; several beside each other share the work.
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
    let after = lowest
    for (
      let some = await store.withoutRealm(database, after);
      some.length > 0;
      some = await store.withoutRealm(database, after)
    ) {
      for (const accountId of some) {
        if (signal.aborted) return
        await divide(deps, accountId)
        after = accountId
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

/** Whoever is a member of no realm keeps the profile from before, for when they join one. */
async function divide(deps: Deps, accountId: string): Promise<void> {
  const account = await deps.accounts.find(accountId)
  if (account?.memberships.length === 0) return
  await deps.database.transaction(async (tx) => {
    for (const membership of account?.memberships ?? []) {
      if (account) await makeInside(deps, tx, { account, membership })
    }
    await store.dropWithoutRealm(tx, accountId)
  })
  await written(deps, accountId, false)
}
