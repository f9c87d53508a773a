import { deriveFrom, seal, unseal } from '../../platform/secrets.ts'
import type { RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import { eventsJson } from './events.ts'
import { hashRefreshToken, issueTokens, newRefreshToken, type Session } from './sessions/index.ts'
import * as store from './store/index.ts'

/** Seconds in which a replaced token is still answered, with the live one: tabs race, networks retry. */
export const graceSeconds = 30

/** Rotations within one grace that a late tab is led through at most. */
const longestChain = 100

/** Cookies of one name that are looked at. */
const mostPresented = 5

/**
 * Replaces a refresh token by a new one and signs a new access token. A token presented again within the grace gets the live head
 * of its chain; later it counts as stolen and its session ends (RFC 9700, 4.14.2). Of several tokens presented at once, as cookies
 * of one name from several paths are, the one that this contract issued is taken.
 */
export const refresh =
  (deps: Deps) =>
  async (presented: string | readonly string[], context: RequestContext): Promise<Session> => {
    const { realm } = context
    const token = typeof presented === 'string' ? presented : await ownOf(deps, presented, context)
    const successor = newRefreshToken()
    const rotated = await store.rotateRefreshToken(deps.database, {
      presented: hashRefreshToken(token),
      contract: realm.name,
      successor: hashRefreshToken(successor),
      sealed: seal(sealingKey(token), successor),
      expiresAt: after(deps, realm.policy.refreshTtl),
      sessionMax: realm.policy.sessionMax,
      ...originOf(context),
    })
    if (rotated) return sessionFrom(deps, rotated, successor, context)

    const head = await followChain(deps, token, context)
    return sessionFrom(deps, head.row, head.token, context)
  }

async function ownOf(deps: Deps, presented: readonly string[], { realm }: RequestContext): Promise<string> {
  const candidates = presented.slice(0, mostPresented)
  const [only] = candidates
  if (only === undefined) throw refuse('identity.invalid_refresh_token')
  if (candidates.length === 1) return only
  const issued = await store.findIssued(deps.database, candidates.map(hashRefreshToken), realm.name)
  return candidates.find((token) => issued && hashRefreshToken(token).equals(issued.hash)) ?? only
}

/** The key that only somebody who holds the token can derive. */
const sealingKey = (token: string): Buffer => deriveFrom(token)('refresh-successor')

function sessionFrom(deps: Deps, row: store.SessionRow, refreshToken: string, { realm }: RequestContext): Session {
  const account = store.viewOf(row, realm.policy.roles)
  const { sessionId, version, amr, expiresAt } = row
  return issueTokens(deps, { account, sessionId, version, amr, refreshToken, refreshExpiresAt: expiresAt }, realm)
}

/** From a token that was replaced, seal by seal, to the live one. */
async function followChain(deps: Deps, presented: string, context: RequestContext) {
  let token = presented
  for (let step = 0; step < longestChain; step += 1) {
    const by = {
      hash: hashRefreshToken(token),
      contract: context.realm.name,
      graceSeconds,
      sessionMax: context.realm.policy.sessionMax,
    }
    const row = await store.findRefreshToken(deps.database, by)
    // Another contract's token counts as absent here: the caller is told, so as not to forget a cookie over it.
    if (!row)
      throw refuse('identity.invalid_refresh_token', { foreign: await store.isRefreshToken(deps.database, by.hash) })
    if (row.ended || row.expired) throw refuse('identity.invalid_refresh_token')
    if (row.replacedAt === null) return { row, token }
    if (!row.inGrace || row.successorSealed === null) {
      await endReusedSession(deps, row, context)
      throw refuse('identity.invalid_refresh_token')
    }
    token = unseal(sealingKey(token), row.successorSealed)
  }
  throw refuse('identity.invalid_refresh_token')
}

async function endReusedSession(deps: Deps, { sessionId }: store.SessionRow, context: RequestContext): Promise<void> {
  const reason = 'refresh_token_reused'
  await store.endSession(deps.database, {
    sessionId,
    reason,
    until: revokedUntil(deps),
    events: eventsJson([{ type: 'session.revoked', data: { sessionId, contract: context.realm.name, reason } }]),
    activity: reason,
    ...originOf(context),
  })
  deps.eventsRecorded()
  await deps.revocations.broadcast()
}
