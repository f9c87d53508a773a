import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { fieldError } from './errors.ts'
import { Failure, Message, message, Required } from './wire.ts'

const verifyEmail = route('identity', 'POST', '/api/verify-email', {
  summary: 'Verify an e-mail address with the token that was mailed to it',
  access: 'public',
  body: Type.Object({ token: Required }),
  replies: { 200: Message, 400: Failure },
  validationError: fieldError,
  async handler(identity, { body, context }) {
    const { already } = await identity.verifyEmail({ token: body.token }, context)
    // A token is good once.
    if (already) throw new DomainError('identity.already_verified')
    return reply(200, message('Email verified successfully'))
  },
})

const requestPasswordReset = route('identity', 'POST', '/api/reset-password', {
  summary: 'Have a link to set a new password mailed',
  description: 'Answers the same whether or not there is such an account.',
  access: 'public',
  limit: 'mail',
  body: Type.Object({ email: Required, tenant_name: Type.Optional(Text()) }),
  replies: {
    200: Type.Object({
      message: Type.String(),
      reset_token: Type.Optional(Type.String({ description: 'In development only.' })),
    }),
    400: Failure,
  },
  validationError: fieldError,
  async handler(identity, { body, context }) {
    const { email, tenant_name: tenant } = body
    const { resetToken } = await identity.requestPasswordReset({ email, tenant }, context)
    return reply(200, {
      ...message('If the account exists, a password reset link has been sent'),
      ...(resetToken !== undefined && { reset_token: resetToken }),
    })
  },
})

const resetPassword = route('identity', 'POST', '/api/reset-password/:token', {
  summary: 'Set a new password with the token that was mailed',
  description: 'Ends every session of the account. The token is good once.',
  access: 'public',
  limit: 'credentials',
  params: Type.Object({ token: Type.String({ maxLength: 500 }) }),
  // Under either name; `password` when both are there.
  body: Type.Object(
    { password: Type.Optional(Required), new_password: Type.Optional(Required) },
    { anyOf: [{ required: ['password'] }, { required: ['new_password'] }] },
  ),
  replies: { 200: Message, 400: Failure },
  validationError: fieldError,
  async handler(identity, { params, body, context }) {
    const password = body.password ?? body.new_password ?? ''
    await identity.resetPassword({ token: params.token, password }, context)
    return reply(200, message('Password reset successfully'))
  },
})

export const recoveryRoutes = operations(
  'Mailed links',
  { verifyEmail, requestPasswordReset, resetPassword },
  { requestPasswordReset: '/api/v1/users/request-password-reset' },
)
