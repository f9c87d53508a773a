import Type from 'typebox'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import type { Session } from '../../services/identity/index.ts'
import { type RouteInput, reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { isSecondCall, signIn } from '../_kit/second-factor.ts'
import { deliveryHeader, forgetTokens, keepTokens, refreshCookie } from './cookies.ts'
import { errors, failure, invalid, validationError } from './errors.ts'
import { fields, newPassword, readFields, text } from './fields.ts'
import { Failure, Message, message, Refreshed, SecondFactorWanted, SignedIn, tokensFor, userOfAccount } from './wire.ts'

type Delivery = Pick<RouteInput<unknown, unknown, unknown>, 'context' | 'secure' | 'header'>

/** True for a caller who keeps tokens by itself and asks for them: `X-Token-Delivery: body`. */
const asksForTokens = ({ header }: Delivery): boolean => header(deliveryHeader)?.toLowerCase() === 'body'

const tokenDelivery = { 'X-Token-Delivery': '`body`: the tokens are in the answer as well' }

const signedIn = <const Status extends number>(status: Status, text: string, session: Session, delivery: Delivery) =>
  reply(
    status,
    { user: userOfAccount(session.account), ...message(text), ...tokensFor(session, asksForTokens(delivery)) },
    keepTokens(session, delivery.context, delivery.secure),
  )

/** What people may be by their own wish; whoever wishes anything else is what everybody is. */
const chosenRole = (role: unknown): string | undefined => (role === 'merchant' ? role : undefined)

const register = route('identity', 'POST', '/auth/register', {
  summary: 'Make an account and sign in',
  access: 'public',
  limit: 'register',
  body: Type.Object({ name: fields.name, email: fields.email, password: fields.password, role: fields.role }),
  headers: tokenDelivery,
  replies: { 201: SignedIn, 400: Failure, 409: Failure },
  signsIn: true,
  validationError,
  async handler(identity, { body, ...delivery }) {
    const { name, email, problems } = readFields({ name: body.name, email: body.email }, 'name', 'email')
    const password = newPassword(body) ?? ''
    const role = chosenRole(body.role)
    await identity.createAccount({ email, password, displayName: name, role, problems }, delivery.context)
    const session = await signIn(identity, { identifier: email ?? '', password }, delivery.context)
    return signedIn(201, 'User registered successfully', session, delivery)
  },
})

/** What somebody signs in with; refused with everything that is wrong with it. */
function credentialsOf(body: { email?: unknown; password?: unknown }) {
  const { email, problems } = readFields({ email: body.email }, 'email')
  const password = text(body.password)
  const wrong = [
    ...problems.map((problem) => errors[problem].message),
    ...(password === '' ? ['password should not be empty'] : []),
  ]
  if (email === undefined || wrong.length > 0) throw refuseAtEdge('edge.bad_request', invalid(...wrong))
  return { identifier: email, password }
}

const login = route('identity', 'POST', '/auth/login', {
  summary: 'Sign in; again with session_token and mfa_code where a code was asked for',
  description: 'The tokens are set as cookies that no script reads.',
  access: 'public',
  limit: 'credentials',
  body: Type.Object({
    email: fields.email,
    password: Type.Optional(Type.Unknown()),
    session_token: Type.Optional(Type.Unknown()),
    mfa_code: Type.Optional(Type.Unknown()),
  }),
  headers: tokenDelivery,
  replies: { 200: SignedIn, 400: Failure, 401: Failure, 403: Type.Union([Failure, SecondFactorWanted]) },
  signsIn: true,
  limitBy: ({ email }) => text(email) || undefined,
  validationError,
  async handler(identity, { body, ...delivery }) {
    const session = await signIn(identity, isSecondCall(body) ? body : credentialsOf(body), delivery.context)
    return signedIn(200, 'Login successful', session, delivery)
  },
})

const refreshUrl = '/auth/refresh'

const refresh = route('identity', 'POST', refreshUrl, {
  summary: 'Renew the tokens, by the cookie or by a refreshToken in the body',
  description: 'Replaces the refresh token. The tokens are in the answer when the request named one in its body.',
  access: 'public',
  body: Type.Object({ refreshToken: fields.refreshToken }),
  replies: { 200: Refreshed, 400: Failure, 401: Failure },
  validationError,
  async handler(identity, { body, cookies, ...delivery }) {
    const { context, secure } = delivery
    const named = text(body.refreshToken)
    // Who names a token means that one, whatever cookies the browser adds.
    const presented = named === '' ? cookies(refreshCookie).filter(Boolean) : [named]
    if (presented.length === 0) throw refuseAtEdge('edge.bad_request', invalid('refreshToken should not be empty'))
    try {
      const session = await identity.refresh(presented, context)
      // Not for a cookie, whoever asks: a script on a page could read in the answer what HttpOnly keeps from it.
      const body = { ...message('Token refreshed successfully'), ...tokensFor(session, named !== '') }
      return reply(200, body, keepTokens(session, context, secure))
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'identity.invalid_refresh_token') throw error
      // Another contract's token counts as absent: it says nothing about the cookies that this one may have set.
      const forgotten = error.details.foreign === true ? {} : forgetTokens(secure)
      const body = failure(errors['identity.invalid_refresh_token'], {}, { path: refreshUrl })
      return reply(401, body, { 'www-authenticate': 'Bearer', ...forgotten })
    }
  },
})

const logout = route('identity', 'POST', '/auth/logout', {
  summary: 'Sign out; a refresh token of another session of the account ends that one too',
  access: 'person',
  body: Type.Object({ refreshToken: fields.refreshToken }),
  replies: { 200: Message, 400: Failure },
  validationError,
  async handler(identity, { body, cookies, claims, context, secure }) {
    const [refreshToken] = [text(body.refreshToken), ...cookies(refreshCookie)].filter(Boolean)
    await identity.logout(claims, refreshToken, context)
    return reply(200, message('Logged out successfully'), forgetTokens(secure))
  },
})

export const signInRoutes = operations('Sign in', { register, login, refreshTokens: refresh, logout })
