import { sha256 } from '../../platform/secrets.ts'
import type { RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { recordFailure } from './failures.ts'
import { codeAttempts } from './limits.ts'
import { openSession, type Session, type SigningIn } from './sessions/index.ts'
import * as store from './store/index.ts'

/**
 * Opens the session that waited for a code. A code works once; the fifth wrong one ends its sign-in. Whatever wrong codes it had
 * count as one failed sign-in, so that guessing codes locks as guessing passwords does.
 */
export const verifySecondFactor =
  (deps: Deps) =>
  async (input: CodeInput, context: RequestContext): Promise<Session> => {
    const session = await openSession(deps, await checkCode(deps, input, context), context)
    if (!session) throw refuse('identity.invalid_code')
    return session
  }

export interface CodeInput {
  sessionToken: string
  code: string
}

/** Who sent the right code. It is used up by what they wanted it for. */
export async function checkCode(
  deps: Deps,
  input: CodeInput,
  context: RequestContext,
): Promise<SigningIn & { challengeId: string }> {
  const { database, secrets, lockout } = deps
  const { realm } = context
  const { device, ipPrefix } = lockout.devicesOf(context)
  const found = await store.takeAttempt(database, {
    tokenHash: sha256(input.sessionToken),
    contract: realm.name,
    most: codeAttempts,
    devices: [device, ipPrefix],
  })
  if (!found || (found.state !== null && !found.active)) throw refuse('identity.invalid_code')
  const account = store.viewOf({ ...found, active: found.active ?? true }, realm.policy.roles)
  if (!secrets.codeMatches(found.challengeId, input.code.trim())) {
    if (found.attempts >= codeAttempts) await store.endChallenge(database, found.challengeId)
    // At the first and not at the last: whoever begins anew before that would never be counted.
    if (found.attempts === 1) {
      await recordFailure(deps, { counter: found.counter, account, counts: true, of: 'code' }, context)
      const counter = lockout.codesOf(account.id)
      await recordFailure(deps, { counter, account, counts: true, of: 'codes' }, context)
    }
    throw refuse('identity.invalid_code')
  }
  return {
    account,
    version: found.version,
    revision: found.challengeRevision,
    member: found.state !== null,
    counter: found.counter,
    amr: ['pwd', 'otp'],
    challengeId: found.challengeId,
    newDevice: found.anyDeviceKnown && !found.deviceKnown,
  }
}
