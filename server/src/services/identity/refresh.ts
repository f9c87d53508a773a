import { deriveFrom, seal, unseal } from '../../platform/secrets.ts'
import { after, type Deps, originOf, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import { eventsJson } from './events.ts'
import type { Client } from './policy.ts'
import { handOut, hashRefreshToken, newRefreshToken, type Session } from './sessions.ts'
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
  async (presented: string | readonly string[], client: Client): Promise<Session> => {
    const { terms } = client
    const token = typeof presented === 'string' ? presented : await ownOf(deps, presented, client)
    const successor = newRefreshToken()
    const rotated = await store.rotateRefreshToken(deps.database, {
      presented: hashRefreshToken(token),
      contract: terms.name,
      successor: hashRefreshToken(successor),
      sealed: seal(sealingKey(token), successor),
      expiresAt: after(deps, terms.policy.refreshTtl),
      ...originOf(client),
    })
    if (rotated) return sessionFrom(deps, rotated, successor, client)

    const head = await followChain(deps, token, client)
    return sessionFrom(deps, head.row, head.token, client)
  }

async function ownOf(deps: Deps, presented: readonly string[], { terms }: Client): Promise<string> {
  const candidates = presented.slice(0, mostPresented)
  const [only] = candidates
  if (only === undefined) throw refuse('identity.invalid_refresh_token')
  if (candidates.length === 1) return only
  const issued = await store.findIssued(deps.database, candidates.map(hashRefreshToken), terms.name)
  return candidates.find((token) => issued && hashRefreshToken(token).equals(issued.hash)) ?? only
}

/** The key that only somebody who holds the token can derive. */
const sealingKey = (token: string): Buffer => deriveFrom(token)('refresh-successor')

function sessionFrom(deps: Deps, row: store.SessionRow, refreshToken: string, { terms }: Client): Session {
  const account = store.viewOf(row, terms.policy.roles)
  const { sessionId, version, amr, expiresAt } = row
  return handOut(deps, { account, sessionId, version, amr, refreshToken, refreshExpiresAt: expiresAt }, terms)
}

/** From a token that was replaced, seal by seal, to the live one. */
async function followChain(deps: Deps, presented: string, client: Client) {
  let token = presented
  for (let step = 0; step < longestChain; step += 1) {
    const by = { hash: hashRefreshToken(token), contract: client.terms.name, graceSeconds }
    const row = await store.findRefreshToken(deps.database, by)
    // Another contract's token counts as absent here: the caller is told, so as not to forget a cookie over it.
    if (!row)
      throw refuse('identity.invalid_refresh_token', { foreign: await store.isRefreshToken(deps.database, by.hash) })
    if (row.ended || row.expired) throw refuse('identity.invalid_refresh_token')
    if (row.replacedAt === null) return { row, token }
    if (!row.inGrace || row.successorSealed === null) {
      await endReusedSession(deps, row, client)
      throw refuse('identity.invalid_refresh_token')
    }
    token = unseal(sealingKey(token), row.successorSealed)
  }
  throw refuse('identity.invalid_refresh_token')
}

async function endReusedSession(deps: Deps, { sessionId }: store.SessionRow, client: Client): Promise<void> {
  const reason = 'refresh_token_reused'
  await store.endSession(deps.database, {
    sessionId,
    reason,
    until: revokedUntil(deps),
    events: eventsJson([{ type: 'session.revoked', data: { sessionId, contract: client.terms.name, reason } }]),
    activity: reason,
    ...originOf(client),
  })
  deps.eventsRecorded()
  await deps.revocations.spread()
}
