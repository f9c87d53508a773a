import type { Statement } from '../../platform/db/database.ts'
import { pruneIdempotencyKeys } from '../../platform/db/idempotency.ts'
import type { Notices } from '../../platform/db/notices/index.ts'
import { pruneOutbox } from '../../platform/db/pruning.ts'
import type { Logger } from '../../platform/log.ts'
import type { DeriveKey } from '../../platform/secrets.ts'
import type { TokenReference } from '../../platform/tokens/revocation-list.ts'
import type { AccountView, Realm } from '../realm/index.ts'
import { admin } from './admin.ts'
import { administer } from './administer.ts'
import {
  confirmAddress,
  confirmAddressByCode,
  proposeEmail,
  readAddressChange,
  readUndo,
  undoAddress,
} from './change-address.ts'
import { changePassword } from './change-password.ts'
import { choosePassword, choosePasswordByCode } from './choose-password.ts'
import { createAccount } from './create-account.ts'
import type { Deps } from './deps.ts'
import { importAccounts } from './import-accounts.ts'
import { internalApi } from './internal-api.ts'
import { openSigningKeys } from './keys/index.ts'
import { createLockout } from './lockout.ts'
import { type LoginResult, login } from './login.ts'
import { logout, logoutEverywhere } from './logout.ts'
import { mailChannel } from './mails/mail-worker.ts'
import { type Observe, observed } from './observations.ts'
import { createPasswords, type PasswordHashing } from './passwords/index.ts'
import { readAccounts } from './read-accounts.ts'
import { graceSeconds, refresh } from './refresh.ts'
import { removeMember } from './remove-member.ts'
import { repair } from './repair.ts'
import { requestPasswordReset, resetPassword } from './reset-password.ts'
import type { Session } from './sessions/index.ts'
import * as store from './store/index.ts'
import { pruneMails } from './store/mails.ts'
import { createTokens } from './tokens/access-tokens.ts'
import { createChallengeSecrets } from './tokens/challenge-secrets.ts'
import { openRevocationHub } from './tokens/revocations.ts'
import { resendVerification, verifyEmail } from './verify-email.ts'
import { verifySecondFactor } from './verify-second-factor.ts'

export type { IdentityErrorCode } from './errors.ts'
export type { AccountImport, AccountToImport, ImportedAccount } from './import-accounts.ts'
export type { PublicJwk } from './keys/index.ts'
export { emailPattern } from './limits.ts'
export { startMailWorker } from './mails/mail-worker.ts'
export { type RenderedMail, recentMails } from './mails/mailbox.ts'
export type { Observation, Observe } from './observations.ts'
export { type PasswordHashing, recommendedHashing } from './passwords/index.ts'
export type { Session } from './sessions/index.ts'
export { listDeadMails, replayDeadMails } from './store/dead-mails.ts'
export type { Activity, Statistics, TenantSettings } from './store/index.ts'

export interface IdentityOptions
  extends Pick<Deps, 'database' | 'eventsRecorded' | 'exposeDevSecrets' | 'longestAccessTtl' | 'clock'> {
  notices: Notices
  deriveKey: DeriveKey
  hashing: PasswordHashing
  /** The contract's shared HS256 secret, when one is set. */
  secretOf: (contract: string) => string | undefined
  /** Told of every use case that ran. */
  observe: Observe
  /** Days after which the signing key is replaced; 0: never by itself. */
  keyRotationDays: number
  log: Logger
}

/** Accounts, sign-in, sessions and the keys that tokens are signed with. */
export type Identity = Awaited<ReturnType<typeof openIdentity>>

/** Where identity's migrations lie. */
export const migrations = { name: 'identity', directory: `${import.meta.dirname}/migrations` }

export async function openIdentity(options: IdentityOptions) {
  const { database, notices, deriveKey, hashing, observe, clock } = options
  const keys = await openSigningKeys({ ...options, rotationDays: options.keyRotationDays })
  const revocations = openRevocationHub(database, notices, clock)
  const secrets = createChallengeSecrets(deriveKey)
  const deps: Deps = {
    ...options,
    passwords: await createPasswords(hashing),
    tokens: createTokens({ ...options, keys }),
    secrets,
    lockout: createLockout(deriveKey('sign-in-counters')),
    revocations,
    mailQueued: () => void notices.announce(mailChannel),
  }
  const accountOfSession = ({ account }: Session) => account
  return {
    createAccount: observed(observe, 'register', createAccount(deps), ({ account }) => account),
    login: observed(observe, 'login', login(deps), accountOfLogin),
    verifySecondFactor: observed(observe, 'second_factor', verifySecondFactor(deps), accountOfSession),
    refresh: observed(observe, 'refresh', refresh(deps), accountOfSession),
    logout: observed(observe, 'logout', logout(deps)),
    logoutEverywhere: observed(observe, 'logout', logoutEverywhere(deps)),
    verifyEmail: observed(observe, 'verify_email', verifyEmail(deps), ({ account }) => account),
    resendVerification: observed(observe, 'resend_verification', resendVerification(deps)),
    proposeEmail: proposeEmail(deps),
    readAddressChange: readAddressChange(deps),
    confirmAddress: observed(observe, 'change_address', confirmAddress(deps)),
    confirmAddressByCode: observed(observe, 'change_address', confirmAddressByCode(deps)),
    readUndo: readUndo(deps),
    undoAddress: observed(observe, 'undo_address', undoAddress(deps)),
    requestPasswordReset: observed(observe, 'reset_password_request', requestPasswordReset(deps)),
    resetPassword: observed(observe, 'reset_password', resetPassword(deps), (account) => account),
    choosePassword: observed(observe, 'choose_password', choosePassword(deps)),
    choosePasswordByCode: observed(observe, 'choose_password', choosePasswordByCode(deps)),
    changePassword: observed(observe, 'change_password', changePassword(deps)),
    administer: observed(observe, 'update_user', administer(deps), (account) => account),
    accounts: readAccounts(deps),
    admin: admin(deps),
    repair: repair(deps),
    removeMember: removeMember(deps),
    importAccounts: importAccounts(deps),
    internalApi: internalApi(deps),
    hasAdministrator: ({ name }: Realm) => store.hasAdministrator(database, name),
    /** Whether a token's session and account version are still good. */
    isTokenActive: ({ sid, uid, ver }: TokenReference) =>
      store.isTokenActive(database, { sessionId: sid, accountId: uid, version: ver }),
    revocations,
    keys,
    secrets,
    waitingPasswords: deps.passwords.waiting,
    /** Connections that its pool holds. */
    connections: () => database.pool().total,
    close: () => {
      keys.close()
      revocations.close()
    },
  }
}

const accountOfLogin = (result: LoginResult): AccountView | undefined =>
  result.kind === 'session' ? result.session.account : undefined

/** What identity forgets, and after how long: the retention table. */
export const pruning: readonly (() => Statement<unknown>)[] = [
  () => store.pruneSeals(graceSeconds),
  ...Object.values(store.pruning),
  ...pruneMails,
  pruneIdempotencyKeys,
  pruneOutbox,
]
