import Type from 'typebox'
import { refuseAtEdge } from '../../platform/errors.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { isSecondCall, SecondCall, signIn } from '../_kit/second-factor.ts'
import { fieldError } from './errors.ts'
import { Failure, Message, message, Name, Pair, pairOf, Required, Role, SecondFactorWanted } from './wire.ts'

// No limit counts the e-mail beside the address: whoever knew it could use up its owner's five a minute. Guessing one account's
// password from many addresses is what the lockout is for.

const register = route('identity', 'POST', '/api/register', {
  summary: 'Register a new user, and the tenant when there is none of that name',
  description: 'Mails a link to prove the address, good for 24 hours.',
  access: 'public',
  limit: 'register',
  body: Type.Object({
    email: Required,
    password: Required,
    full_name: Name,
    tenant_name: Required,
    // A wish, which nobody is granted: who makes a tenant administers it, everybody else is a user.
    role: Type.Optional(Role),
  }),
  replies: {
    201: Type.Object({
      message: Type.String(),
      verification_token: Type.Optional(Type.String({ description: 'In development only.' })),
    }),
    400: Failure,
  },
  validationError: fieldError,
  async handler(identity, { body, context }) {
    const { email, password, full_name: displayName, tenant_name: tenant } = body
    const { verificationToken } = await identity.createAccount({ email, password, displayName, tenant }, context)
    return reply(201, {
      ...message('User registered successfully'),
      ...(verificationToken !== undefined && { verification_token: verificationToken }),
    })
  },
})

const login = route('identity', 'POST', '/api/login', {
  summary: 'Sign in and get an access token',
  description: 'With a second factor: 403 and a `session_token`, then again with that and the mailed code.',
  access: 'public',
  limit: 'credentials',
  body: Type.Union([Type.Object({ email: Required, password: Required, tenant_name: Required }), SecondCall]),
  replies: { 200: Pair, 400: Failure, 401: Failure, 403: SecondFactorWanted },
  signsIn: true,
  validationError: fieldError,
  async handler(identity, { body, context }) {
    const call = isSecondCall(body)
      ? body
      : { identifier: body.email, password: body.password, tenant: body.tenant_name }
    return reply(200, pairOf(await signIn(identity, call, context)))
  },
})

const refreshTokens = route('identity', 'POST', '/api/refresh', {
  summary: 'Renew the tokens: the Bearer is the refresh token',
  description: 'Replaces the refresh token. The former one works for 30 seconds; later its use ends the session.',
  access: 'public',
  replies: { 200: Pair, 401: Failure },
  async handler(identity, { context }) {
    const { bearer } = context
    if (bearer === undefined) throw refuseAtEdge('edge.missing_token')
    return reply(200, pairOf(await identity.refresh(bearer, context)))
  },
})

const logout = route('identity', 'POST', '/api/logout', {
  summary: 'Sign out: the session ends and its tokens are refused',
  access: 'person',
  body: Type.Object({ refresh_token: Type.Optional(Type.Unknown()) }),
  replies: { 200: Message },
  async handler(identity, { body, claims, context }) {
    // An unknown refresh token is no error here, so neither is one that is not even text.
    const refreshToken = typeof body.refresh_token === 'string' ? body.refresh_token : undefined
    await identity.logout(claims, refreshToken, context)
    return reply(200, message('Logged out successfully'))
  },
})

export const identityRoutes = operations(
  'Sign in',
  { register, login, refreshTokens, logout },
  { register: '/api/v1/users/register', login: '/api/v1/auth/login', refreshTokens: '/api/v1/users/refresh' },
)
