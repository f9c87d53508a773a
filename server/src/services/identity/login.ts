import { newId, newSecret } from '../../platform/ids.ts'
import { sha256 } from '../../platform/secrets.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf } from './deps.ts'
import { type IdentityErrorCode, refuse } from './errors.ts'
import { announced, eventsJson } from './events.ts'
import { codeLockout, codeTtl } from './limits.ts'
import { openSession, type Session, type SigningIn } from './sessions/index.ts'
import * as store from './store/index.ts'
import { tenantName } from './tenants.ts'

export interface LoginInput {
  /** Username or, where the contract takes it, e-mail address. */
  identifier: string
  password: string
  /** For contracts whose requests name the tenant. */
  tenant?: string | undefined
}

/** A sign-in that waits for the code that was mailed. */
export interface SecondFactorChallenge {
  sessionToken: string
  expiresAt: Date
  /** Development only. */
  code: string | undefined
}

export type LoginResult =
  | { kind: 'session'; session: Session }
  | { kind: 'second_factor'; challenge: SecondFactorChallenge }

/** Opens a session for a correct password, or asks for the second factor that the policy or the account demands. */
export const login =
  (deps: Deps) =>
  async (input: LoginInput, context: RequestContext): Promise<LoginResult> => {
    const { database, passwords, lockout, clock } = deps
    const { realm } = context
    const { policy } = realm
    const tenant = tenantName(policy, input.tenant)
    const identifier = input.identifier.trim()
    const found = await store.findCredentials(database, {
      tenant,
      identifier,
      byEmail: policy.identifier === 'email',
      contract: realm.name,
      device: lockout.devicesOf(context),
      counters: lockout.countersOf(identifier, tenant, context),
    })

    // An unknown name verifies against a dummy hash and can be locked too: neither time nor answer tells it apart.
    // While locked the hash is computed all the same, and the right password is refused like a wrong one.
    const correct = await passwords.verify(input.password, found.passwordHash)
    const locked = found.lockedUntil !== null && found.lockedUntil.getTime() > clock.now()
    const account = accountOf(found, context)
    // Who is no member becomes one below, unless an administrator removed them or nobody joins this realm by signing in.
    const shut = found.state === 'removed' || (found.state === null && policy.joining === 'closed')
    if (!correct || locked || !account || shut) {
      await recordFailure(deps, { counter: found.counter, account, counts: true }, context)
      throw refuse('identity.invalid_credentials')
    }
    const reason = reasonAgainst(account, context)
    if (reason) {
      const { refusesAll } = await recordFailure(deps, { counter: found.counter, account, counts: false }, context)
      // A lock that began while the hash was computed tells no more than one that began before.
      throw refuse(refusesAll ? 'identity.invalid_credentials' : reason)
    }

    const outdated = found.passwordHash !== null && passwords.outdated(found.passwordHash)
    const signingIn: SigningIn = {
      account,
      version: found.version ?? 0,
      revision: found.revision ?? 0,
      member: found.state !== null,
      counter: found.counter,
      amr: ['pwd'],
      newDevice: found.anyDeviceKnown && !found.deviceKnown,
      upgradedHash: outdated ? await passwords.hash(input.password) : undefined,
    }
    if (policy.secondFactor === 'always' || account.secondFactor) {
      // Who does not come from a known device gets no further code when too many were guessed.
      const codes = found.deviceKnown ? undefined : lockout.codesOf(account.id)
      return { kind: 'second_factor', challenge: await challenge(deps, signingIn, codes, context) }
    }
    const session = await openSession(deps, signingIn, context)
    if (!session) throw refuse('identity.invalid_credentials')
    return { kind: 'session', session }
  }

/** The account as it is in the realm, or as it would be once it is a member. */
const accountOf = (found: store.Credentials, { realm }: RequestContext): AccountView | undefined =>
  found.id === null
    ? undefined
    : store.viewOf({ ...(found as store.AccountRow), active: found.active ?? true }, realm.policy.roles)

/** Why an account may not sign in though its password is right: said only then. */
function reasonAgainst(account: AccountView, { realm }: RequestContext): IdentityErrorCode | undefined {
  const { verifiedEmail, secondFactor } = realm.policy
  if (!account.active) return 'identity.deactivated'
  if (verifiedEmail === 'required' && !account.emailVerified) return 'identity.email_unverified'
  // A code can be mailed to a proven address only.
  const needsMail = secondFactor === 'always' || account.secondFactor
  return needsMail && !account.emailVerified ? 'identity.email_unverified' : undefined
}

/** Counts a failure, or takes as long as counting one. Says whether there is a lock now, be it of another failure. */
export async function recordFailure(
  deps: Deps,
  refused: { counter: Buffer; account: AccountView | undefined; counts: boolean; of?: 'codes' },
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
    mail: { id: newId(), kind: ofCodes ? 'codes_guessed' : 'account_locked' },
    lockEvents: eventsJson(account && !ofCodes ? announced(deps, realm, 'locked', account) : []),
  })
  if (locked) {
    deps.eventsRecorded()
    deps.mailQueued()
  }
  return { refusesAll }
}

/** Mails a code and gives the token that goes with it. */
async function challenge(
  deps: Deps,
  signingIn: SigningIn,
  codes: Buffer | undefined,
  context: RequestContext,
): Promise<SecondFactorChallenge> {
  const { account, revision, counter, upgradedHash } = signingIn
  const id = newId()
  const sessionToken = newSecret(32)
  const expiresAt = after(deps, codeTtl)
  const begun = await store.insertChallenge(deps.database, {
    id,
    accountId: account.id,
    revision,
    contract: context.realm.name,
    tokenHash: sha256(sessionToken),
    counter,
    codes,
    expiresAt,
    mailId: newId(),
    upgradedHash,
  })
  if (!begun) throw refuse('identity.invalid_credentials')
  deps.mailQueued()
  return { sessionToken, expiresAt, code: deps.exposeDevSecrets ? deps.secrets.codeOf(id) : undefined }
}
