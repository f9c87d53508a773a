import { newId } from '../../platform/ids.ts'
import { deriveFrom, seal, unseal } from '../../platform/secrets.ts'
import { type Deps, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import type { Client } from './policy.ts'
import { handOut, hashRefreshToken, newRefreshToken, refreshExpiry, type Session } from './sessions.ts'
import * as store from './store.ts'

/** Seconds in which a replaced token is still answered, with the live one: tabs race, networks retry. */
export const graceSeconds = 30

/** Rotations within one grace that a late tab is led through at most. */
const longestChain = 100

/**
 * Replaces a refresh token by a new one and signs a new access token. A token presented again within the grace gets the live head
 * of its chain; later it counts as stolen and its session ends (RFC 9700, 4.14.2).
 */
export const refresh =
  (deps: Deps) =>
  async (presented: string, client: Client): Promise<Session> => {
    const { terms } = client
    const successor = newRefreshToken()
    const expiresAt = refreshExpiry(deps, terms)
    const rotated = await store.rotateRefreshToken(deps.database, {
      presented: hashRefreshToken(presented),
      contract: terms.name,
      successor: hashRefreshToken(successor),
      sealed: seal(sealingKey(presented), successor),
      expiresAt,
    })
    if (rotated) return sessionFrom(deps, rotated, successor, client)

    const head = await followChain(deps, presented, client)
    return sessionFrom(deps, head.row, head.token, client)
  }

/** The key that only somebody who holds the token can derive. */
const sealingKey = (token: string): Buffer => deriveFrom(token)('refresh-successor')

function sessionFrom(deps: Deps, row: store.SessionRow, refreshToken: string, { terms }: Client): Session {
  const account = store.viewOf(row, terms.policy.roles.person)
  const { sessionId, version, expiresAt } = row
  return handOut(deps, { account, sessionId, version, refreshToken, refreshExpiresAt: expiresAt }, terms)
}

/** From a token that was replaced, seal by seal, to the live one. */
async function followChain(deps: Deps, presented: string, client: Client) {
  let token = presented
  for (let step = 0; step < longestChain; step += 1) {
    const by = { hash: hashRefreshToken(token), contract: client.terms.name, graceSeconds }
    const row = await store.findRefreshToken(deps.database, by)
    if (!row || row.ended || row.expired) throw refuse('identity.invalid_refresh_token')
    if (row.replacedAt === null) return { row, token }
    if (!row.inGrace || row.successorSealed === null) {
      await endReusedSession(deps, row.sessionId)
      throw refuse('identity.invalid_refresh_token')
    }
    token = unseal(sealingKey(token), row.successorSealed)
  }
  throw refuse('identity.invalid_refresh_token')
}

async function endReusedSession(deps: Deps, sessionId: string): Promise<void> {
  const reason = 'refresh_token_reused'
  await store.endSession(deps.database, { sessionId, reason, until: revokedUntil(deps), eventId: newId() })
  deps.eventsRecorded()
  await deps.revocations.spread()
}
