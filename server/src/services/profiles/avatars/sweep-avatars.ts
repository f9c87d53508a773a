import { createSignal, repeat } from '../../../platform/signal.ts'
import type { AvatarDeps } from './deps.ts'
import { forgetFile, lockOrphans } from './store.ts'

const hourMs = 3_600_000
/** Files in one transaction: their removal from a slow store must not keep it open for long. */
const atOnce = 4

/**
 * Removes, in the background, the files that no profile names: those of people who were removed, and what a process left behind that
 * ended between two steps. Several beside each other share the work.
 */
export function startAvatarSweep(deps: Pick<AvatarDeps, 'database' | 'avatars' | 'log'>, everyMs = hourMs) {
  const changed = createSignal()
  const { stop } = repeat(async (signal) => {
    const notified = changed.notified()
    try {
      while (!signal.aborted && (await sweepSome(deps)) === atOnce);
    } catch (error) {
      deps.log.warn({ err: error }, 'avatars that nobody uses could not be removed yet')
    }
    if (changed.notified() === notified) await changed.wait(everyMs, signal)
  })
  return {
    /** Has the files of somebody who was removed looked for now. */
    wake: changed.notify,
    stop,
  }
}

/** Removes a few files and says how many. */
const sweepSome = ({ database, avatars }: Pick<AvatarDeps, 'database' | 'avatars'>): Promise<number> =>
  database.transaction(async (tx) => {
    const orphans = await lockOrphans(tx, atOnce)
    // The file first: a row without a file is found again, a file without a row never.
    await Promise.all(orphans.map(({ key }) => avatars.remove(key)))
    for (const { key } of orphans) await forgetFile(tx, key)
    return orphans.length
  })
