import Type from 'typebox'
import { Uuid } from '../../platform/http/schema.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { validationError } from './errors.ts'
import { Email } from './fields.ts'
import { ChangedProfile, profileOf } from './user-wire.ts'
import { Failure } from './wire.ts'

/**
 * How the auth service tells of a new account, beside its events, so that the profile is there at once. One that it does not vouch for
 * when it is asked back is 404: a profile has the account's number.
 */
const userRegistered = route('profiles', 'POST', '/api/v1/internal/user-registered', {
  summary: 'Tell of a new account, whose profile is then made',
  access: 'service',
  ownListenerOnly: true,
  body: Type.Object({ userId: Uuid, email: Email, timestamp: Type.Optional(Text({ maxLength: 64 })) }),
  replies: { 200: ChangedProfile, 201: ChangedProfile, 400: Failure, 404: Failure },
  validationError,
  async handler(profiles, { body, context }) {
    const account = { accountId: body.userId, email: body.email.trim().toLowerCase() }
    const { profile, made } = await profiles.register(account, context)
    const data = profileOf(profile)
    return made
      ? reply(201, { success: true, data, message: 'Le profil a été créé.' })
      : reply(200, { success: true, data, message: 'Le profil existe déjà.' })
  },
})

export const internalRoutes = operations('Other services', { userRegistered })
