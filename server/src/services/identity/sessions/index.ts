import { newId, newSecret } from '../../../platform/ids.ts'
import { sha256 } from '../../../platform/secrets.ts'
import type { AccountView, Realm, RequestContext } from '../../realm/index.ts'
import { after, type Deps, originOf } from '../deps.ts'
import { announced, eventsJson } from '../events.ts'
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
  version: number
  counter: Buffer
  amr: readonly string[]
  challengeId?: string
  /** True when others of the account's devices are known and this one is not: its owner is told. */
  newDevice: boolean
  upgradedHash?: string | undefined
}

/** Records a session for somebody who showed who they are, and issues its tokens. Undefined when the account changed meanwhile. */
export async function openSession(deps: Deps, found: SigningIn, context: RequestContext): Promise<Session | undefined> {
  const { realm } = context
  const { account, version, counter, amr, challengeId, newDevice, upgradedHash } = found
  const sessionId = newId()
  const refreshToken = newRefreshToken()
  const expiresAt = after(deps, realm.policy.refreshTtl)
  const { device, ipPrefix } = deps.lockout.devicesOf(context)
  const events = announced(deps, realm, 'logged_in', account)
  const opened = await store.openSession(deps.database, {
    sessionId,
    accountId: account.id,
    version,
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
