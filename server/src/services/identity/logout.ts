import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { RequestContext } from '../realm/index.ts'
import { type Deps, originOf, revokedUntil } from './deps.ts'
import { announced, eventsJson } from './events.ts'
import { hashRefreshToken } from './sessions/index.ts'
import * as store from './store/index.ts'

/**
 * Ends the session of the access token, and that of the refresh token when it is another one of the same account. Every live
 * verifier refuses the tokens when this resolves. An unknown refresh token changes nothing.
 */
export const logout =
  (deps: Deps) =>
  async (claims: AccessClaims, refreshToken: string | undefined, context: RequestContext): Promise<void> => {
    const { realm } = context
    const sessions = new Set([claims.sid])
    if (refreshToken !== undefined) {
      const by = { hash: hashRefreshToken(refreshToken), accountId: claims.uid, contract: realm.name }
      const other = await store.findSessionOfRefreshToken(deps.database, by)
      if (other) sessions.add(other.sessionId)
    }
    const about = { id: claims.uid, email: null, displayName: null }
    for (const sessionId of sessions) {
      await store.endSession(deps.database, {
        sessionId,
        reason: 'logout',
        until: revokedUntil(deps),
        events: eventsJson(announced(deps, realm, 'logged_out', about)),
        activity: 'logout',
        ...originOf(context),
      })
    }
    deps.eventsRecorded()
    await deps.revocations.broadcast()
  }

/**
 * Ends every session of an account, of one contract or of all, and refuses their tokens everywhere. Gives how many there were.
 */
export const logoutEverywhere =
  (deps: Deps) =>
  async (accountId: string, options: { contract?: string }, context: RequestContext): Promise<number> => {
    const { realm } = context
    const about = { id: accountId, email: null, displayName: null }
    const ended = await store.endSessions(deps.database, {
      accountId,
      contract: options.contract,
      except: undefined,
      reason: 'logout_everywhere',
      until: revokedUntil(deps),
      events: eventsJson(announced(deps, realm, 'logged_out_everywhere', about)),
      activity: 'logout',
      askedBy: realm.name,
      ...originOf(context),
    })
    deps.eventsRecorded()
    await deps.revocations.broadcast()
    return ended
  }
