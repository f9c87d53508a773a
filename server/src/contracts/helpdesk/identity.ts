import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import type { Session } from '../../services/identity/index.ts'
import type { RequestContext } from '../../services/realm/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { OptionalText, Text } from '../_kit/schema.ts'
import { isSecondCall, SecondCall, signIn } from '../_kit/second-factor.ts'
import { errors, invalidField, validationError } from './errors.ts'
import { Confirmation, differs, displayNameOf, Email, lineOf, NewPassword, OptionalToken } from './fields.ts'
import { forgetRefreshToken, keepRefreshToken, presentedTokens } from './refresh-cookie.ts'
import { Failure, failure, Message, message, Tokens, tokensOf } from './wire.ts'

/** What a session is answered with: its tokens, the refresh token also as a cookie. */
const signedIn = <const Status extends number>(
  status: Status,
  text: string,
  { session, context, secure }: { session: Session; context: RequestContext; secure: boolean },
) => reply(status, tokensOf(session, text), keepRefreshToken(session, context.realm.policy.refreshTtl, secure))

const register = route('identity', 'POST', '/api/auth/register', {
  summary: 'Make an account and sign in',
  access: 'public',
  limit: 'register',
  body: Type.Object({
    email: Email,
    password: NewPassword,
    confirmPassword: Confirmation,
    firstName: OptionalText(100),
    lastName: OptionalText(100),
  }),
  replies: { 201: Tokens, 400: Failure, 409: Failure },
  signsIn: true,
  limitBy: ({ email }) => email,
  validationError,
  async handler(identity, { body, context, secure }) {
    const { email, password, confirmPassword } = body
    if (differs(password, confirmPassword)) return reply(400, mismatch)
    const names = { firstName: lineOf(body.firstName), lastName: lineOf(body.lastName) }
    const displayName = displayNameOf(Object.values(names))
    await identity.createAccount({ email, password, displayName, names }, context)
    const session = await signIn(identity, { identifier: email, password }, context)
    return signedIn(201, 'Compte créé avec succès.', { session, context, secure })
  },
})

const different = invalidField('confirmPassword', 'Les deux mots de passe sont différents.')
/** The answer to a confirmation that says another password. */
export const mismatch = failure(different)

const login = route('identity', 'POST', '/api/auth/login', {
  summary: 'Sign in',
  description: 'With a second factor: 403 and a `session_token`, then again with that and the mailed code.',
  access: 'public',
  limit: 'credentials',
  // The first alternative is the one that a validation error tells of.
  body: Type.Union([Type.Object({ email: Email, password: Text({ minLength: 1 }) }), SecondCall]),
  replies: { 200: Tokens, 400: Failure, 401: Failure, 403: Failure },
  signsIn: true,
  limitBy: (body) => (isSecondCall(body) ? undefined : body.email),
  validationError,
  async handler(identity, { body, context, secure }) {
    const call = isSecondCall(body) ? body : { identifier: body.email, password: body.password }
    const session = await signIn(identity, call, context)
    return signedIn(200, 'Connexion réussie.', { session, context, secure })
  },
})

const refreshTokens = route('identity', 'POST', '/api/auth/refresh', {
  summary: 'Renew the tokens, by the cookie or by a refreshToken in the body',
  description: 'Replaces the refresh token. The former one works for 30 seconds; later its use ends the session.',
  access: 'public',
  body: Type.Object({ refreshToken: OptionalToken }),
  bodyOptional: true,
  replies: { 200: Tokens, 400: Failure, 401: Failure },
  validationError,
  async handler(identity, { body, cookies, context, secure }) {
    try {
      const session = await identity.refresh(presentedTokens(body, cookies), context)
      return signedIn(200, 'Jeton renouvelé.', { session, context, secure })
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'identity.invalid_refresh_token') throw error
      // Another contract's token counts as absent: it says nothing about the cookie that this one may have set.
      const forgotten = error.details.foreign === true ? {} : forgetRefreshToken(secure)
      return reply(401, failure(errors['identity.invalid_refresh_token']), {
        'www-authenticate': 'Bearer',
        ...forgotten,
      })
    }
  },
})

const logout = route('identity', 'POST', '/api/auth/logout', {
  summary: 'Sign out',
  description: 'Ends the session, and removes the cookie.',
  access: 'person',
  body: Type.Object({ refreshToken: OptionalToken }),
  bodyOptional: true,
  replies: { 200: Message, 400: Failure, 401: Failure },
  validationError,
  async handler(identity, { body, cookies, claims, context, secure }) {
    const [refreshToken] = presentedTokens(body, cookies)
    await identity.logout(claims, refreshToken, context)
    return reply(200, message('Déconnexion réussie.'), forgetRefreshToken(secure))
  },
})

const logoutEverywhere = route('identity', 'POST', '/api/auth/logout-all', {
  summary: 'Sign out everywhere',
  access: 'person',
  replies: { 200: Message, 401: Failure },
  async handler(identity, { claims, context, secure }) {
    await identity.logoutEverywhere(claims.uid, {}, context)
    return reply(200, message('Tous les appareils sont déconnectés.'), forgetRefreshToken(secure))
  },
})

export const identityRoutes = operations('Sign in', { register, login, refreshTokens, logout, logoutEverywhere })
