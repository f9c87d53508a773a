import Type from 'typebox'
import type { Session } from '../../services/identity/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { OptionalEmail, Text } from '../_kit/schema.ts'
import { isSecondCall, SecondCall, signIn } from '../_kit/second-factor.ts'
import { validationErrors } from './errors.ts'
import { done, Failure, Message, message, Success } from './wire.ts'

export const Pair = Type.Object({
  access_token: Type.String(),
  refresh_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer(),
  refresh_expires_at: Type.Integer(),
})

const pairOf = (session: Session): Type.Static<typeof Pair> => ({
  access_token: session.accessToken,
  refresh_token: session.refreshToken,
  token_type: 'Bearer',
  expires_in: session.accessTtl,
  refresh_expires_at: Math.floor(session.refreshExpiresAt.getTime() / 1000),
})

const credentials = { username: Text({ minLength: 1 }), password: Text({ minLength: 1 }) }

const login = route('identity', 'POST', '/auth/login', {
  summary: 'Sign in',
  description: 'With a second factor: 403 and a `session_token`, then again with that and the mailed code.',
  access: 'public',
  limit: 'credentials',
  body: Type.Union([SecondCall, Type.Object(credentials)]),
  replies: { 200: Success(Pair), 400: Failure, 401: Failure, 403: Failure },
  signsIn: true,
  limitBy: (body) => (isSecondCall(body) ? undefined : body.username),
  validationError: () => validationErrors.credentials,
  async handler(identity, { body, context }) {
    const call = isSecondCall(body) ? body : { identifier: body.username, password: body.password }
    return reply(200, done(pairOf(await signIn(identity, call, context))))
  },
})

const refreshTokens = route('identity', 'POST', '/auth/refresh', {
  summary: 'Renew the tokens',
  description: 'Replaces the refresh token. The former one works for 30 seconds; later its use ends the session.',
  access: 'public',
  body: Type.Object({ refresh_token: Text({ minLength: 1 }) }),
  replies: { 200: Success(Pair), 400: Failure, 401: Failure },
  validationError: () => validationErrors.token,
  async handler(identity, { body, context }) {
    return reply(200, done(pairOf(await identity.refresh(body.refresh_token, context))))
  },
})

const verifyToken = route('identity', 'POST', '/auth/verify', {
  summary: 'Check an access token',
  access: 'public',
  limit: 'read',
  body: Type.Object({ token: Text({ minLength: 1 }) }),
  replies: {
    200: Success(Type.Object({ username: Type.String(), role: Type.String(), expires_at: Type.Integer() })),
    400: Failure,
    401: Failure,
  },
  validationError: () => validationErrors.token,
  async handler(_identity, { body, verify }) {
    const { sub, role, exp } = await verify(body.token)
    return reply(200, done({ username: String(sub), role: String(role), expires_at: exp }))
  },
})

const logout = route('identity', 'POST', '/auth/logout', {
  summary: 'Sign out',
  description: 'Ends the session: its tokens are refused from now on. `refresh_token` is optional.',
  access: 'person',
  body: Type.Object({ refresh_token: Type.Optional(Type.Unknown()) }),
  replies: { 200: Message, 400: Failure },
  async handler(identity, { body, context, claims }) {
    // An unknown refresh token is no error here, so neither is one that is not even text.
    const refreshToken = typeof body.refresh_token === 'string' ? body.refresh_token : undefined
    await identity.logout(claims, refreshToken, context)
    return reply(200, message('You are signed out.'))
  },
})

const register = route('identity', 'POST', '/auth/register', {
  summary: 'Make an account',
  description: 'The profile is made with it.',
  access: 'public',
  limit: 'register',
  body: Type.Object({ ...credentials, email: OptionalEmail }),
  replies: {
    201: Type.Object({
      success: Type.Literal(true),
      message: Type.String(),
      data: Type.Object({ user_id: Type.Integer(), username: Type.String() }),
    }),
    400: Failure,
  },
  validationError: ({ path }) => (path.startsWith('/email') ? validationErrors.person : validationErrors.credentials),
  async handler(identity, { body, context }) {
    const { username, password, email } = body
    const { account } = await identity.createAccount({ username, password, email: email || undefined }, context)
    const data = { user_id: account.number, username: account.username }
    return reply(201, { success: true, message: 'The account is made.', data })
  },
})

export const identityRoutes = operations('Sign in', { login, refreshTokens, verifyToken, logout, register })
