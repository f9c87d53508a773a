import Type from 'typebox'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { invalidField, validationError } from './errors.ts'
import { Confirmation, differs, Email, NewPassword } from './fields.ts'
import { mismatch } from './identity.ts'
import { Failure, failure, Message, message } from './wire.ts'

const forgotPassword = route('identity', 'POST', '/api/auth/forgot-password', {
  summary: 'Have a link mailed to set a new password',
  description: 'Answers the same whether or not there is such an account.',
  access: 'public',
  limit: 'mail',
  body: Type.Object({ email: Email }),
  replies: {
    200: Type.Object({ ...Message.properties, resetToken: Type.Optional(Type.String()) }),
    400: Failure,
  },
  limitBy: ({ email }) => email,
  validationError,
  async handler(identity, { body, context }) {
    const { resetToken } = await identity.requestPasswordReset({ email: body.email }, context)
    const text = 'Si un compte existe pour cette adresse, un e-mail de réinitialisation a été envoyé.'
    return reply(200, { ...message(text), ...(resetToken !== undefined && { resetToken }) })
  },
})

const missing = invalidField('password', 'Le mot de passe doit être renseigné.')

const resetPassword = route('identity', 'POST', '/api/auth/reset-password', {
  summary: 'Set a new password by the token of a mailed link',
  description: 'The token is good once. The password may be called `password` or `newPassword`.',
  access: 'public',
  limit: 'credentials',
  body: Type.Object({
    token: Text({ minLength: 1 }),
    password: Type.Optional(NewPassword),
    newPassword: Type.Optional(NewPassword),
    confirmPassword: Confirmation,
  }),
  replies: { 200: Message, 400: Failure },
  validationError,
  async handler(identity, { body, context }) {
    const { token, password = body.newPassword, confirmPassword } = body
    if (password === undefined) return reply(400, failure(missing))
    if (differs(password, confirmPassword)) return reply(400, mismatch)
    await identity.resetPassword({ token, password }, context)
    return reply(200, message('Le mot de passe a été réinitialisé.'))
  },
})

export const passwordRoutes = operations('Sign in', { forgotPassword, resetPassword })
