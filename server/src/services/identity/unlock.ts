import type { Deps } from './deps.ts'
import type { Terms } from './policy.ts'
import * as store from './store.ts'

/** Forgets the wrong passwords counted for a name. True when there were some. */
export const unlock =
  ({ database, lockout }: Deps) =>
  async (username: string, terms: Terms): Promise<boolean> =>
    (await store.forgetFailures(database, lockout.counterOf(username, { terms }))) > 0
