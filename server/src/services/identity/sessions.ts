import { newId, newSecret } from '../../platform/ids.ts'
import { sha256 } from '../../platform/secrets.ts'
import type { Deps } from './deps.ts'
import type { AccountView, Client, Terms } from './policy.ts'
import * as store from './store.ts'

/** What a person holds after signing in. */
export interface Session {
  account: AccountView
  accessToken: string
  refreshToken: string
  /** Seconds the access token lives. */
  accessTtl: number
  refreshExpiresAt: Date
}

export const newRefreshToken = (): string => newSecret(64)
export const hashRefreshToken = (token: string): Buffer => sha256(token)

export const refreshExpiry = ({ clock }: Deps, terms: Terms): Date =>
  new Date(clock.now() + terms.policy.refreshTtl * 1000)

/** Records a session for an account whose password was right, and hands out its tokens. Undefined when the account changed meanwhile. */
export async function openSession(
  deps: Deps,
  found: { account: AccountView; version: number; counter: Buffer; upgradedHash: string | undefined },
  client: Client,
): Promise<Session | undefined> {
  const { terms } = client
  const { account, version, counter, upgradedHash } = found
  const sessionId = newId()
  const refreshToken = newRefreshToken()
  const expiresAt = refreshExpiry(deps, terms)
  const opened = await store.openSession(deps.database, {
    sessionId,
    accountId: account.id,
    version,
    contract: terms.name,
    ip: client.ip,
    userAgent: client.userAgent,
    tokenHash: hashRefreshToken(refreshToken),
    expiresAt,
    counter,
    upgradedHash,
  })
  return opened
    ? handOut(deps, { account, sessionId, version, refreshToken, refreshExpiresAt: expiresAt }, terms)
    : undefined
}

/** The tokens of a session that exists. */
export function handOut(
  deps: Deps,
  held: { account: AccountView; sessionId: string; version: number; refreshToken: string; refreshExpiresAt: Date },
  terms: Terms,
): Session {
  const { account, sessionId, version, refreshToken, refreshExpiresAt } = held
  return {
    account,
    accessToken: deps.tokens.issue({ account, sessionId, tenant: terms.policy.tenant, version }, terms),
    refreshToken,
    accessTtl: terms.policy.accessTtl,
    refreshExpiresAt,
  }
}
