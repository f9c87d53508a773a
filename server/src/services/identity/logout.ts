import type { AccessClaims } from '../../platform/http/token-verifier.ts'
import { newId } from '../../platform/ids.ts'
import { type Deps, revokedUntil } from './deps.ts'
import type { Client } from './policy.ts'
import { hashRefreshToken } from './sessions.ts'
import * as store from './store.ts'

/**
 * Ends the session of the access token, and that of the refresh token when it is another one of the same account. Every live
 * verifier refuses the tokens when this resolves. An unknown refresh token changes nothing.
 */
export const logout =
  (deps: Deps) =>
  async (claims: AccessClaims, refreshToken: string | undefined, { terms }: Client): Promise<void> => {
    const sessions = new Set([claims.sid])
    if (refreshToken !== undefined) {
      const by = { hash: hashRefreshToken(refreshToken), accountId: claims.uid, contract: terms.name }
      const other = await store.findSessionOfRefreshToken(deps.database, by)
      if (other) sessions.add(other.sessionId)
    }
    for (const sessionId of sessions) {
      await store.endSession(deps.database, {
        sessionId,
        reason: 'logout',
        until: revokedUntil(deps),
        eventId: newId(),
      })
    }
    await deps.revocations.spread()
  }
