import Type from 'typebox'
import type { Session } from '../../services/identity/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { validationErrors } from './errors.ts'
import { ClientObject, clientOf, Failure, Message, message, Success, tokenFields } from './wire.ts'

const tokensOf = (session: Session) => ({
  token: session.accessToken,
  expires_at: session.accessExpiresAt.toISOString(),
  refresh_token: session.refreshToken,
})

const loginUrl = '/api/v1/auth/login'

const login = route('identity', 'POST', loginUrl, {
  summary: 'Check the password and mail a code',
  description: 'The code is good for 5 minutes. Only a verified address signs in.',
  access: 'public',
  limit: 'credentials',
  body: Type.Object({ email: Text({ minLength: 1 }), password: Text({ minLength: 1 }) }),
  replies: {
    200: Success({
      message: Type.String(),
      mfa_required: Type.Literal(true),
      session_token: Type.String(),
      mfa_code: Type.Optional(Type.String({ description: 'In development only' })),
    }),
    400: Failure,
    401: Failure,
  },
  limitBy: ({ email }) => email,
  validationError: () => validationErrors.credentials,
  async handler(identity, { body, context }) {
    const result = await identity.login({ identifier: body.email, password: body.password }, context)
    if (result.kind === 'session') throw new Error('this policy always asks for a second factor')
    const { sessionToken, code } = result.challenge
    const sent = message('MFA code sent to your email.')
    return reply(200, {
      ...sent,
      mfa_required: true,
      session_token: sessionToken,
      ...(code !== undefined && { mfa_code: code }),
    })
  },
})

const code = Text({ minLength: 1 })

const verifyMfa = route('identity', 'POST', '/api/v1/auth/verify_mfa', {
  summary: 'Check the code and sign in',
  description: 'Five wrong codes end the sign-in.',
  access: 'public',
  limit: 'credentials',
  body: Type.Object(
    { session_token: Text({ minLength: 1 }), mfa_code: Type.Optional(code), code: Type.Optional(code) },
    { anyOf: [{ required: ['mfa_code'] }, { required: ['code'] }] },
  ),
  replies: {
    200: Success({ message: Type.String(), ...tokenFields, client: ClientObject }),
    400: Failure,
    401: Failure,
  },
  signsIn: true,
  secondStepOf: loginUrl,
  // The account is not named here; its pending session is.
  limitBy: ({ session_token }) => session_token,
  validationError: () => validationErrors.code,
  async handler(identity, { body, context }) {
    const given = { sessionToken: body.session_token, code: body.mfa_code ?? body.code ?? '' }
    const session = await identity.verifySecondFactor(given, context)
    return reply(200, { ...message('Login successful.'), ...tokensOf(session), client: clientOf(session.account) })
  },
})

const logout = route('identity', 'POST', '/api/v1/auth/logout', {
  summary: 'Sign out everywhere',
  access: 'person',
  replies: { 200: Message },
  async handler(identity, { claims, context }) {
    await identity.logoutEverywhere(claims.uid, { contract: context.realm.name }, context)
    return reply(200, message('Logged out successfully.'))
  },
})

const refreshTokens = route('identity', 'POST', '/api/v1/auth/refresh_token', {
  summary: 'Renew the tokens',
  description: 'Replaces the refresh token.',
  access: 'public',
  body: Type.Object({ refresh_token: Text({ minLength: 1 }) }),
  replies: { 200: Success(tokenFields), 400: Failure, 401: Failure },
  validationError: () => validationErrors.refreshToken,
  async handler(identity, { body, context }) {
    return reply(200, { success: true, ...tokensOf(await identity.refresh(body.refresh_token, context)) })
  },
})

export const signInRoutes = operations('Sign in', { login, verifyMfa, logout, refreshTokens })
