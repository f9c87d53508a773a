import { newId, newSecret } from '../../../platform/ids.ts'
import { sha256 } from '../../../platform/secrets.ts'
import type { AccountView, Realm, RequestContext } from '../../realm/index.ts'
import { after, type Deps, originOf } from '../deps.ts'
import { refuse } from '../errors.ts'
import { announced, eventsJson } from '../events.ts'
import { joinRealm } from '../join-realm.ts'
import * as store from '../store/index.ts'

/** What a person holds after signing in. */
export interface Session {
  id: string
  account: AccountView
  accessToken: string
  refreshToken: string
  /** Seconds the access token lives. */
  accessTtl: number
  accessExpiresAt: Date
  refreshExpiresAt: Date
}

export const newRefreshToken = (): string => newSecret(64)
export const hashRefreshToken = (token: string): Buffer => sha256(token)

/** Who signs in, as the checks before found them. */
export interface SigningIn {
  account: AccountView
  /** For the claim `ver`. */
  version: number
  /** What the checks were made against: a change since then refuses the sign-in. */
  revision: number
  /** False when this sign-in is to make the account a member of the realm. */
  member: boolean
  counter: Buffer
  amr: readonly string[]
  challengeId?: string
  /** True when others of the account's devices are known and this one is not: its owner is told. */
  newDevice: boolean
  upgradedHash?: string | undefined
}

/**
 * Records a session for somebody who showed who they are, and issues its tokens; whoever is no member of the realm joins it first.
 * Undefined when the account changed meanwhile.
 */
export async function openSession(
  deps: Deps,
  signingIn: SigningIn,
  context: RequestContext,
): Promise<Session | undefined> {
  const { realm } = context
  const member = signingIn.member ? signingIn : await join(deps, signingIn, context)
  if (!member) return undefined
  const { account, version } = member
  const { revision, counter, amr, challengeId, newDevice, upgradedHash } = signingIn
  const sessionId = newId()
  const refreshToken = newRefreshToken()
  const expiresAt = after(deps, realm.policy.refreshTtl)
  const { device, ipPrefix } = deps.lockout.devicesOf(context)
  const events = announced(deps, realm, 'logged_in', account)
  const opened = await store.openSession(deps.database, {
    sessionId,
    accountId: account.id,
    revision,
    contract: realm.name,
    amr,
    challengeId,
    ...originOf(context),
    tokenHash: hashRefreshToken(refreshToken),
    expiresAt,
    counter,
    codes: challengeId === undefined ? undefined : deps.lockout.codesOf(account.id),
    devices: [device, ipPrefix],
    newDeviceMailId: newDevice ? newId() : undefined,
    upgradedHash,
    events: eventsJson(events),
  })
  if (!opened) return undefined
  if (events.length > 0) deps.eventsRecorded()
  if (newDevice) deps.mailQueued()
  return issueTokens(deps, { account, sessionId, version, amr, refreshToken, refreshExpiresAt: expiresAt }, realm)
}

/** The account as the member that it becomes; one that waits for approval does not sign in yet. */
async function join(deps: Deps, { account: { id }, revision }: SigningIn, context: RequestContext) {
  const joined = await joinRealm(deps, { accountId: id, origin: 'joined', revision, revives: false }, context)
  if (!joined) return undefined
  if (!joined.account.active) throw refuse('identity.deactivated')
  return { account: store.viewOf(joined.account, context.realm.policy.roles), version: joined.account.version }
}

/** The tokens of a session that exists. */
export function issueTokens(
  deps: Deps,
  held: {
    account: AccountView
    sessionId: string
    version: number
    amr: readonly string[]
    refreshToken: string
    refreshExpiresAt: Date
  },
  realm: Realm,
): Session {
  const { account, sessionId, version, amr, refreshToken, refreshExpiresAt } = held
  const { accessTtl } = realm.policy
  return {
    id: sessionId,
    account,
    accessToken: deps.tokens.issue({ account, sessionId, version, amr }, realm),
    refreshToken,
    accessTtl,
    accessExpiresAt: after(deps, accessTtl),
    refreshExpiresAt,
  }
}
