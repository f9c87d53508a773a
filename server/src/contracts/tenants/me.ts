import Type from 'typebox'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { fieldError, validationFailure } from './errors.ts'
import {
  Activities,
  ActivityQuery,
  activitiesOf,
  activityFilterOf,
  Failure,
  keepable,
  Me,
  Message,
  meOf,
  message,
  Name,
  Required,
} from './wire.ts'

const readMe = route('identity', 'GET', '/api/users/me', {
  summary: 'The caller',
  access: 'person',
  replies: { 200: Me, 404: Failure },
  async handler(identity, { claims, context }) {
    return reply(200, meOf(await identity.accounts.find(claims.uid, context)))
  },
})

const changeMe = route('identity', 'PUT', '/api/users/me', {
  summary: "Change the caller's name and preferences; preferences are replaced as a whole",
  access: 'person',
  body: Type.Object(
    { full_name: Type.Optional(Name), preferences: Type.Optional(Type.Record(Type.String(), Type.Unknown())) },
    { anyOf: [{ required: ['full_name'] }, { required: ['preferences'] }] },
  ),
  replies: { 200: Message, 400: Failure, 404: Failure },
  validationError: validationFailure,
  async handler(identity, { body, claims, context }) {
    const change = { displayName: body.full_name?.trim(), preferences: keepable(body.preferences) }
    await identity.accounts.changePerson(claims.uid, change, context)
    return reply(200, message('User updated successfully'))
  },
})

const readMyActivity = route('identity', 'GET', '/api/users/me/activity', {
  summary: "The caller's activity, newest first",
  access: 'person',
  query: ActivityQuery,
  replies: { 200: Activities, 400: Failure },
  validationError: validationFailure,
  async handler(identity, { query, claims }) {
    const activities = await identity.accounts.activities({ accountId: claims.uid, ...activityFilterOf(query) })
    return reply(200, activitiesOf(activities))
  },
})

const changePassword = route('identity', 'PUT', '/api/users/me/password', {
  summary: "Change the caller's password; other sessions end",
  access: 'person',
  limit: 'credentials',
  body: Type.Object({ current_password: Required, new_password: Required }),
  replies: { 200: Message, 400: Failure, 404: Failure },
  validationError: fieldError,
  async handler(identity, { body, claims, context }) {
    await identity.changePassword({ current: body.current_password, password: body.new_password }, claims, context)
    return reply(200, message('Password changed successfully'))
  },
})

export const meRoutes = operations(
  'Your account',
  { readMe, changeMe, readMyActivity, changePassword },
  {
    readMe: '/api/v1/users/me',
    changeMe: '/api/v1/users/me',
    readMyActivity: '/api/v1/users/me/activity',
    changePassword: '/api/v1/users/me/password',
  },
)
