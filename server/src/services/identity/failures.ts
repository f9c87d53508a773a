import { newId } from '../../platform/ids.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'
import { type Deps, originOf } from './deps.ts'
import { announced, eventsJson } from './events.ts'
import { codeLockout, everywhereLockout } from './limits.ts'
import * as store from './store/index.ts'

/**
 * True while the counter of this device refuses, or while devices without a cookie of ours are refused in every realm. A lock counts
 * without a word: the hash is computed all the same.
 */
export const isLocked = (
  found: Pick<store.Credentials, 'lockedUntil' | 'lockedEverywhereUntil' | 'cookieKnown'>,
  clock: Deps['clock'],
): boolean => {
  const until = [found.lockedUntil, found.cookieKnown ? null : found.lockedEverywhereUntil]
  return until.some((moment) => moment !== null && moment.getTime() > clock.now())
}

/** The mail that tells of a lock says what was wrong. */
const lockMails = { password: 'account_locked', code: 'account_locked_by_codes', codes: 'codes_guessed' } as const

/** Counts a failure, or takes as long as counting one. Says whether there is a lock now, be it of another failure. */
export async function recordFailure(
  deps: Deps,
  refused: {
    counter: Buffer
    account: AccountView | undefined
    counts: boolean
    /** `code`: after the right password; `codes`: the same, in the counter of codes over all realms. */
    of?: 'code' | 'codes'
    /** True for a device with a cookie of ours, which does not count for the lock in every realm. */
    cookieKnown?: boolean
  },
  context: RequestContext,
): Promise<{ refusesAll: boolean }> {
  const { realm } = context
  const { counter, account, counts } = refused
  // Wrong codes are counted beside what the contract counts: over all contracts, with a mail of their own.
  const ofCodes = refused.of === 'codes'
  const { locked, refusesAll } = await store.recordFailure(deps.database, {
    counter,
    contract: realm.name,
    lockout: ofCodes ? codeLockout : realm.policy.lockout,
    increment: counts ? 1 : 0,
    logged: !ofCodes,
    accountId: account?.id ?? null,
    ...originOf(context),
    mail: { id: newId(), kind: lockMails[refused.of ?? 'password'] },
    everywhere:
      refused.of === undefined && !refused.cookieKnown ? { ...everywhereLockout, mailId: newId() } : undefined,
    lockEvents: eventsJson(account && !ofCodes ? announced(deps, realm, 'locked', account) : []),
  })
  if (locked) {
    deps.eventsRecorded()
    deps.mailQueued()
  }
  return { refusesAll }
}
