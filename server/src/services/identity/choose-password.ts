import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import { after, type Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { joinRealm } from './join-realm.ts'
import { ticketTtl } from './limits.ts'
import { authenticate, challengeFor, type LoginInput, refuseLocked, type SecondFactorChallenge } from './login.ts'
import type { SigningIn } from './sessions/index.ts'
import * as store from './store/index.ts'
import { type CodeInput, checkCode } from './verify-second-factor.ts'

export type PasswordTicket =
  | { kind: 'second_factor'; challenge: SecondFactorChallenge }
  /** The token by which a new password is set, as by a mailed link. */
  | { kind: 'ticket'; token: string }

/**
 * Lets somebody who knows the present password choose another one, without a session: for realms whose own requests have no room for
 * that, and for whoever may not sign in before. Asks for the second factor as a sign-in does.
 */
export const choosePassword =
  (deps: Deps) =>
  async (input: LoginInput, context: RequestContext): Promise<PasswordTicket> => {
    const known = await authenticate(deps, input, context)
    const challenge = await challengeFor(deps, known, context)
    if (challenge) return { kind: 'second_factor', challenge }
    await refuseLocked(deps, known)
    return { kind: 'ticket', token: await ticketFor(deps, known.signingIn, context) }
  }

/** The same with the code that was mailed. */
export const choosePasswordByCode =
  (deps: Deps) =>
  async (input: CodeInput, context: RequestContext): Promise<PasswordTicket> => {
    const known = await checkCode(deps, input, context)
    if (!(await store.useChallenge(deps.database, known.challengeId))) throw refuse('identity.invalid_code')
    return { kind: 'ticket', token: await ticketFor(deps, known, context) }
  }

async function ticketFor(
  deps: Deps,
  { account, revision, member }: SigningIn,
  context: RequestContext,
): Promise<string> {
  const joining = { accountId: account.id, origin: 'joined', revision, revives: false } as const
  if (!member && !(await joinRealm(deps, joining, context))) throw refuse('identity.invalid_credentials')
  const id = newId()
  const made = await store.insertTicket(deps.database, {
    id,
    accountId: account.id,
    revision,
    contract: context.realm.name,
    expiresAt: after(deps, ticketTtl),
  })
  if (!made) throw refuse('identity.invalid_credentials')
  return deps.secrets.tokenOf(id)
}
