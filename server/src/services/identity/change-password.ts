import { newId } from '../../platform/ids.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { RequestContext } from '../realm/index.ts'
import { type Deps, originOf, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import { isLocked, recordFailure } from './failures.ts'
import { refuseBadPassword } from './reset-password.ts'
import * as store from './store/index.ts'

/**
 * Sets a new password for somebody who knows the present one. The session that asks stays, all others end. A wrong present password
 * counts like a failed sign-in, so that a stolen token cannot be used to guess it.
 */
export const changePassword =
  (deps: Deps) =>
  async (
    input: { current: string; password: string },
    claims: AccessClaims,
    context: RequestContext,
  ): Promise<void> => {
    const { database, passwords, lockout, clock } = deps
    const { realm } = context
    const account = await store.findAccount(database, claims.uid, realm.name)
    if (!account) throw refuse('identity.account_not_found')
    const { tenantName: tenant, username: identifier } = account
    const found = await store.findCredentials(database, {
      tenant,
      identifier,
      byEmail: false,
      contract: realm.name,
      device: lockout.devicesOf(context),
      counters: lockout.countersOf(identifier, tenant, context),
    })
    const { counter, cookieKnown } = found
    const correct = await passwords.verify(input.current, found.passwordHash)
    const locked = isLocked(found, clock)
    if (!correct || locked) {
      const about = { counter, account: store.viewOf(account, realm.policy.roles), counts: true, cookieKnown }
      await recordFailure(deps, about, context)
      throw refuse('identity.wrong_password')
    }
    await refuseBadPassword(deps, input.password, account, context)
    const change = {
      accountId: account.id,
      revision: account.revision,
      passwordHash: await passwords.hash(input.password),
      sessionId: claims.sid,
      contract: realm.name,
      until: revokedUntil(deps),
      mailId: newId(),
      counter,
      ...originOf(context),
    }
    const changed = await database.transaction(async (tx) => {
      await store.lockAccount(tx, account.id)
      return store.changePassword(tx, change)
    })
    if (!changed) throw refuse('identity.wrong_password')
    deps.mailQueued()
    await deps.revocations.broadcast()
  }
