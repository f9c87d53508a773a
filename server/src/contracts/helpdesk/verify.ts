import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { errors } from './errors.ts'
import { ShortUser, userOfClaims } from './wire.ts'

export const Verified = Type.Object({
  success: Type.Literal(true),
  valid: Type.Literal(true),
  user: ShortUser,
  data: Type.Object({
    user: ShortUser,
    valid: Type.Literal(true),
    tokenData: Type.Record(Type.String(), Type.Unknown()),
    token: Type.Object({ valid: Type.Literal(true), expiresAt: Type.String() }),
  }),
})

export const NotVerified = Type.Object({
  success: Type.Literal(false),
  valid: Type.Literal(false),
  error: Type.String(),
  message: Type.String(),
})

/** The guide's form and the reference's in one. */
function verifiedOf(claims: AccessClaims): Type.Static<typeof Verified> {
  const user = userOfClaims(claims)
  const token = { valid: true, expiresAt: new Date(claims.exp * 1000).toISOString() } as const
  return { success: true, valid: true, user, data: { user, valid: true, tokenData: claims, token } }
}

const refused = (code: 'edge.missing_token' | 'edge.invalid_token') => {
  const { message } = errors[code]
  const body = { success: false, valid: false, error: message, message } as const
  return reply(401, body, { 'www-authenticate': 'Bearer' })
}

/** What other services ask about every token they are shown; reference and documents differ on the method. */
const verifyBy = (method: 'GET' | 'POST') =>
  route('identity', method, '/api/auth/verify', {
    summary: 'Check an access token',
    description: 'The token to check is the Bearer of the call.',
    // Not `person`: a token that is refused has an answer of its own here.
    access: 'public',
    limit: 'read',
    replies: { 200: Verified, 401: NotVerified },
    async handler(_identity, { context: { bearer }, verify }) {
      if (bearer === undefined) return refused('edge.missing_token')
      try {
        return reply(200, verifiedOf(await verify(bearer)))
      } catch (error) {
        if (error instanceof DomainError && error.code === 'edge.invalid_token') return refused(error.code)
        throw error
      }
    },
  })

export const verifyRoutes = operations('Sign in', { verifyToken: verifyBy('GET'), verifyTokenByPost: verifyBy('POST') })
