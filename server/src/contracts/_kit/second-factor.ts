import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import type { Identity, Session } from '../../services/identity/index.ts'
import type { RequestContext } from '../../services/realm/index.ts'
import { Text } from './schema.ts'

/** The second call of a sign-in, for contracts without a path of their own for it. */
export const SecondCall = Type.Object({ session_token: Text({ minLength: 1 }), mfa_code: Text({ minLength: 1 }) })
export type SecondCall = Type.Static<typeof SecondCall>

export const isSecondCall = (body: object): body is SecondCall =>
  'session_token' in body &&
  typeof body.session_token === 'string' &&
  'mfa_code' in body &&
  typeof body.mfa_code === 'string'

/**
 * Signs in with credentials, or with the code that was asked for before. An account with a second factor is refused with
 * `identity.second_factor_required` and what the second call needs; a wrong code is refused like a wrong password.
 */
export async function signIn(
  identity: Identity,
  call: Parameters<Identity['login']>[0] | SecondCall,
  context: RequestContext,
): Promise<Session> {
  if (isSecondCall(call)) {
    const given = { sessionToken: call.session_token, code: call.mfa_code }
    return identity.verifySecondFactor(given, context).catch((error: unknown) => {
      throw error instanceof DomainError && error.code === 'identity.invalid_code'
        ? new DomainError('identity.invalid_credentials')
        : error
    })
  }
  const result = await identity.login(call, context)
  if (result.kind === 'session') return result.session
  const { sessionToken, code } = result.challenge
  throw new DomainError('identity.second_factor_required', { sessionToken, code })
}
