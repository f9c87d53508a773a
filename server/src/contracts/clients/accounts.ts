import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import { reply, route } from '../_kit/contract.ts'
import { localeOf } from '../_kit/locale.ts'
import { operations } from '../_kit/operations.ts'
import { verifyEmailPage } from '../_kit/pages/account.ts'
import { pagePaths } from '../_kit/pages/paths.ts'
import { IdParams } from '../_kit/schema.ts'
import { validationErrors } from './errors.ts'
import { realm } from './realm.ts'
import { emailOf, Registration, readRegistration } from './registration.ts'
import { ClientObject, clientOf, Failure, Message, MessageWithClient, message, Success, Uuid } from './wire.ts'

const register = route('identity', 'POST', '/api/v1/clients', {
  summary: 'Register a client',
  description: 'Mails a link to prove the address, good for 24 hours. The fields may also stand outside `client`.',
  access: 'public',
  limit: 'register',
  body: Registration,
  replies: {
    201: Success({
      message: Type.String(),
      client: ClientObject,
      client_id: Type.String(),
      verification_token: Type.Optional(Type.String({ description: 'In development only' })),
    }),
    400: Failure,
    422: Failure,
  },
  limitBy: emailOf,
  validationError: () => validationErrors.registration,
  async handler(identity, { body, context }) {
    const { account, verificationToken } = await identity.createAccount(readRegistration(body), context)
    return reply(201, {
      ...message('Registration successful. Please check your email to verify your account.'),
      client: clientOf(account),
      client_id: account.id,
      ...(verificationToken !== undefined && { verification_token: verificationToken }),
    })
  },
})

const Token = Type.Object({ token: Type.Optional(Type.String()) })

const verificationUrl = '/api/v1/clients/:id/verify_email'

const verification = {
  access: 'public',
  // Also where a link is followed: it changes the account.
  limit: 'write',
  params: IdParams,
  query: Token,
  replies: { 200: MessageWithClient, 422: Failure },
  validationError: () => validationErrors.verification,
} as const

const verifyEmail = route('identity', 'POST', verificationUrl, {
  ...verification,
  summary: 'Verify an e-mail address with the token that was mailed',
  description: 'The token is good once. Turns the second factor on.',
  body: Type.Union([Token, Type.Null()]),
  async handler(identity, { params, query, body, context }) {
    const token = query.token ?? body?.token ?? ''
    const { account, already } = await identity.verifyEmail({ accountId: params.id.toLowerCase(), token }, context)
    if (already) throw new DomainError('identity.invalid_link')
    return reply(200, { ...message('Email verified successfully.'), client: clientOf(account) })
  },
})

const followVerificationLink = route('identity', 'GET', verificationUrl, {
  ...verification,
  summary: 'Verify an e-mail address by following the mailed link',
  page: confirmationPage,
  async handler(identity, { params, query, context }) {
    const link = { accountId: params.id.toLowerCase(), token: query.token ?? '' }
    const { account, already } = await identity.verifyEmail(link, context)
    const text = already ? 'Email already verified.' : 'Email verified successfully.'
    return reply(200, { ...message(text), client: clientOf(account) })
  },
})

/** What a browser gets that follows the link: a button, and nothing is consumed before it is pressed. */
function confirmationPage({ query, headers }: FastifyRequest): string {
  const { token } = query as { token?: unknown }
  return verifyEmailPage({
    locale: localeOf(headers['accept-language']) ?? realm.policy.locale,
    title: realm.title,
    action: pagePaths(realm.name).verifyEmail,
    token: typeof token === 'string' ? token : '',
  })
}

const resendVerification = route('identity', 'POST', '/api/v1/clients/:id/resend_verification', {
  summary: 'Mail a new link to verify the e-mail address',
  access: 'public',
  limit: 'mail',
  params: Type.Object({ id: Uuid }),
  replies: { 200: Message, 422: Failure },
  validationError: () => validationErrors.resend,
  async handler(identity, { params, context }) {
    await identity.resendVerification(params.id, context)
    return reply(200, message('Verification email sent.'))
  },
})

export const accountRoutes = operations('Registration', {
  register,
  verifyEmail,
  followVerificationLink,
  resendVerification,
})
