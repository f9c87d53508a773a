import type { Clock } from '../../platform/clock.ts'
import type { Database, Statement } from '../../platform/db/database.ts'
import { pruneIdempotencyKeys } from '../../platform/db/idempotency.ts'
import type { Notices } from '../../platform/db/notices.ts'
import { pruneOutbox } from '../../platform/db/pruning.ts'
import type { TokenMarks } from '../../platform/http/revocation-list.ts'
import type { DeriveKey } from '../../platform/secrets.ts'
import { createAccount } from './create-account.ts'
import { deleteAccount } from './delete-account.ts'
import type { Deps } from './deps.ts'
import { grantRole } from './grant-role.ts'
import { createLockout } from './lockout.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { createPasswords, type PasswordHashing } from './passwords.ts'
import { graceSeconds, refresh } from './refresh.ts'
import { openRevocationHub } from './revocations.ts'
import { loadSigningKeys } from './signing-keys.ts'
import * as store from './store.ts'
import { createTokens } from './tokens.ts'
import { unlock } from './unlock.ts'

export type { IdentityErrorCode } from './errors.ts'
export type { AccountRegistered, IdentityEvent } from './events.ts'
export { type PasswordHashing, recommendedHashing } from './passwords.ts'
export type { AccountView, Client, Policy, Terms } from './policy.ts'
export type { Session } from './sessions.ts'
export type { PublicJwk } from './signing-keys.ts'
export type { AccountRow } from './store.ts'

export interface IdentityOptions {
  database: Database
  notices: Notices
  deriveKey: DeriveKey
  hashing: PasswordHashing
  /** The contract's shared HS256 secret, when one is set. */
  secretOf: (contract: string) => string | undefined
  eventsRecorded: () => void
  longestAccessTtl: number
  clock: Clock
}

/** Accounts, sign-in, sessions and the keys that tokens are signed with. */
export type Identity = Awaited<ReturnType<typeof openIdentity>>

/** Where identity's migrations lie. */
export const migrations = { name: 'identity', directory: `${import.meta.dirname}/migrations` }

export async function openIdentity(options: IdentityOptions) {
  const { database, notices, deriveKey, hashing, secretOf, eventsRecorded, longestAccessTtl, clock } = options
  const keys = await loadSigningKeys(database, deriveKey)
  const revocations = openRevocationHub(database, notices)
  const deps: Deps = {
    database,
    passwords: await createPasswords(hashing),
    tokens: createTokens({ key: keys.current, secretOf, clock }),
    lockout: createLockout(deriveKey('sign-in-counters')),
    revocations,
    eventsRecorded,
    longestAccessTtl,
    clock,
  }
  return {
    createAccount: createAccount(deps),
    login: login(deps),
    refresh: refresh(deps),
    logout: logout(deps),
    deleteAccount: deleteAccount(deps),
    grantRole: grantRole(deps),
    unlock: unlock(deps),
    findAccount: (id: string) => store.findAccount(database, id),
    hasAdministrator: (contract: string) => store.hasAdministrator(database, contract),
    /** Whether a token's session and account version are still good. */
    tokenStands: ({ sid, uid, ver }: TokenMarks) =>
      store.tokenStands(database, { sessionId: sid, accountId: uid, version: ver }),
    revocations,
    jwks: keys.jwks,
    waitingPasswords: deps.passwords.waiting,
    close: () => revocations.close(),
  }
}

/** What identity forgets, and after how long: the retention table. */
export const pruning: readonly (() => Statement<unknown>)[] = [
  () => store.pruning.seals(graceSeconds),
  store.pruning.sessions,
  store.pruning.refreshTokens,
  store.pruning.counters,
  store.pruning.revocations,
  pruneIdempotencyKeys,
  pruneOutbox,
]
