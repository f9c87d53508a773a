import { newId, newSecret } from '../../platform/ids.ts'
import { sha256 } from '../../platform/secrets.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'
import { after, type Deps } from './deps.ts'
import { type IdentityErrorCode, refuse } from './errors.ts'
import { isLocked, recordFailure } from './failures.ts'
import { codeTtl } from './limits.ts'
import { checkPassword, strictest } from './passwords/rules.ts'
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
    const known = await authenticate(deps, input, context)
    await refuseForeignPassword(deps, input.password, known, context)
    const challenge = await challengeFor(deps, known, context)
    if (challenge) return { kind: 'second_factor', challenge }
    const session = await openSession(deps, known.signingIn, context)
    if (!session) throw refuse('identity.invalid_credentials')
    return { kind: 'session', session }
  }

/** Somebody whose password was right. */
export interface Authenticated {
  signingIn: SigningIn
  /** True when the account was signed in from this very device before. */
  cookieKnown: boolean
  /** The realm whose rule the password was held to; null: unknown. */
  passwordRealm: string | null
}

/** Checks a password: counted, locked, and refused with what is said only after a right one. */
export async function authenticate(deps: Deps, input: LoginInput, context: RequestContext): Promise<Authenticated> {
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
  const locked = isLocked(found, clock)
  const account = accountOf(found, context)
  // Who is no member becomes one below, unless an administrator removed them or nobody joins this realm by signing in.
  const shut = found.state === 'removed' || (found.state === null && policy.joining === 'closed')
  if (!correct || locked || !account || shut) {
    const { counter, cookieKnown } = found
    await recordFailure(deps, { counter, account, counts: true, cookieKnown }, context)
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
  return { signingIn, cookieKnown: found.cookieKnown, passwordRealm: found.passwordRealm }
}

/** A password that was set in another realm has to satisfy this one's rule, and its tenant's, as one that is set here. */
async function refuseForeignPassword(
  deps: Deps,
  password: string,
  known: Authenticated,
  { realm }: RequestContext,
): Promise<void> {
  const { passwordRealm } = known
  const { account } = known.signingIn
  if (passwordRealm === null || passwordRealm === realm.name) return
  const settings = (await store.findTenant(deps.database, account.tenant.name))?.settings
  const own = [account.email, account.username, account.displayName, account.tenant.name]
  const problems = await checkPassword(
    password,
    strictest(realm.policy.password, settings),
    own.filter((text) => text !== null),
  )
  if (problems.length === 0) return
  await refuseLocked(deps, known)
  throw refuse('identity.must_change_password', { problems, changePasswordAt: realm.links.choosePassword })
}

/**
 * Refuses a right password when a lock began while its hash was computed: of many guesses at once, no more are answered than one after
 * another. Sessions and challenges look for themselves as they begin.
 */
export async function refuseLocked({ database }: Deps, { signingIn, cookieKnown }: Authenticated): Promise<void> {
  const { account, counter } = signingIn
  if (await store.lockedMeanwhile(database, { counter, accountId: account.id, cookieKnown }))
    throw refuse('identity.invalid_credentials')
}

/** The challenge of who needs a code; undefined where the password is enough. */
export async function challengeFor(
  deps: Deps,
  { signingIn, cookieKnown }: Authenticated,
  context: RequestContext,
): Promise<SecondFactorChallenge | undefined> {
  const { account } = signingIn
  if (context.realm.policy.secondFactor !== 'always' && !account.secondFactor) return undefined
  // Who does not come from a device with a cookie of ours gets no further code when too many were guessed: a network is shared.
  const codes = cookieKnown ? undefined : deps.lockout.codesOf(account.id)
  return challenge(deps, signingIn, codes, context)
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
