import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Refusal } from '../../platform/errors.ts'
import { reply, route } from '../_kit/contract.ts'
import { localeOf } from '../_kit/locale.ts'
import { operations } from '../_kit/operations.ts'
import { verifyEmailPage } from '../_kit/pages/account-pages.ts'
import { pagePaths } from '../_kit/pages/account-routes.ts'
import { IdParams } from '../_kit/schema.ts'
import { misfits } from './errors.ts'
import { emailOf, Registration, readRegistration } from './registration.ts'
import { terms } from './terms.ts'
import { ClientObject, clientOf, Failure, Message, MessageWithClient, message, Success, Uuid } from './wire.ts'

const register = route({
  service: 'identity',
  method: 'POST',
  url: '/api/v1/clients',
  summary: 'Register a client',
  description: 'Mails a link to prove the address, good for 24 hours. The fields may also stand outside `client`.',
  access: 'public',
  limit: 'credentials',
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
  misfit: () => misfits.registration,
  async handler(identity, { body, client }) {
    const { account, verificationToken } = await identity.createAccount(readRegistration(body), client)
    return reply(201, {
      ...message('Registration successful. Please check your email to verify your account.'),
      client: clientOf(account),
      client_id: account.id,
      ...(verificationToken !== undefined && { verification_token: verificationToken }),
    })
  },
})

const Token = Type.Object({ token: Type.Optional(Type.String()) })

const verification = {
  service: 'identity',
  url: '/api/v1/clients/:id/verify_email',
  access: 'public',
  limit: 'write',
  params: IdParams,
  query: Token,
  replies: { 200: MessageWithClient, 422: Failure },
  misfit: () => misfits.verification,
} as const

const verifyEmail = route({
  ...verification,
  method: 'POST',
  summary: 'Verify an e-mail address with the token that was mailed',
  description: 'The token is good once. Turns the second factor on.',
  body: Type.Union([Token, Type.Null()]),
  async handler(identity, { params, query, body, client }) {
    const token = query.token ?? body?.token ?? ''
    const { account, already } = await identity.verifyEmail({ accountId: params.id.toLowerCase(), token }, client)
    if (already) throw new Refusal('identity.invalid_link')
    return reply(200, { ...message('Email verified successfully.'), client: clientOf(account) })
  },
})

const followLink = route({
  ...verification,
  method: 'GET',
  summary: 'Verify an e-mail address by following the mailed link',
  page: confirmationPage,
  async handler(identity, { params, query, client }) {
    const link = { accountId: params.id.toLowerCase(), token: query.token ?? '' }
    const { account, already } = await identity.verifyEmail(link, client)
    const text = already ? 'Email already verified.' : 'Email verified successfully.'
    return reply(200, { ...message(text), client: clientOf(account) })
  },
})

/** What a browser gets that follows the link: a button, and nothing is consumed before it is pressed. */
function confirmationPage({ query, headers }: FastifyRequest): string {
  const { token } = query as { token?: unknown }
  return verifyEmailPage({
    locale: localeOf(headers['accept-language']) ?? terms.policy.locale,
    title: terms.title,
    action: pagePaths(terms.name).verifyEmail,
    token: typeof token === 'string' ? token : '',
  })
}

const resendVerification = route({
  service: 'identity',
  method: 'POST',
  url: '/api/v1/clients/:id/resend_verification',
  summary: 'Mail a new link to verify the e-mail address',
  access: 'public',
  limit: 'mail',
  params: Type.Object({ id: Uuid }),
  replies: { 200: Message, 422: Failure },
  misfit: () => misfits.resend,
  async handler(identity, { params, client }) {
    await identity.resendVerification(params.id, client)
    return reply(200, message('Verification email sent.'))
  },
})

export const accountRoutes = operations('Registration', {
  register,
  verifyEmail,
  followVerificationLink: followLink,
  resendVerification,
})
