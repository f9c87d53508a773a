import Type from 'typebox'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { Profile } from '../../services/profiles/index.ts'
import { may, type RequestContext } from '../../services/realm/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { memoize } from '../_kit/memoize.ts'
import { operations } from '../_kit/operations.ts'
import { IdParams, numberOf, PageQuery, pageOf, Text } from '../_kit/schema.ts'
import { validationErrors } from './errors.ts'
import { done, Failure, list, Message, message, Success, SuccessList, User, userFields, userOf } from './wire.ts'

/** Whom the path names, when the caller is that user or an administrator. Judged before anything is looked up. */
function ownOrAdministered(id: string, context: RequestContext): number | { accountId: string } {
  const number = numberOf(id)
  // One's own profile is there from the first moment on.
  if (context.claims?.user_id === number) return { accountId: context.claims.uid }
  if (!may(context, 'accounts:manage')) throw refuseAtEdge('edge.forbidden')
  return number
}

const fieldsOf = (body: Type.Static<Type.TObject<typeof userFields>>) => ({
  email: body.email === '' ? null : body.email,
  firstName: body.first_name,
  lastName: body.last_name,
  phone: body.phone,
  address: body.address,
})

const ownProfile = memoize((own: Profile) => done(userOf(own)))

const readProfile = route('profiles', 'GET', '/users/profile', {
  summary: "The caller's profile",
  access: 'person',
  replies: { 200: Success(User), 404: Failure },
  async handler(profiles, { claims, context }) {
    return reply(200, ownProfile(await profiles.read({ accountId: claims.uid }, context)))
  },
})

const listUsers = route('profiles', 'GET', '/users', {
  summary: 'List users',
  description: 'By number.',
  access: 'accounts:manage',
  query: PageQuery,
  replies: { 200: SuccessList(User), 400: Failure },
  async handler(profiles, { query, context }) {
    return reply(200, list((await profiles.list(pageOf(query), context)).map(userOf)))
  },
})

const readUser = route('profiles', 'GET', '/users/:id', {
  summary: 'Read a user',
  description: 'Oneself, or anybody as an administrator.',
  access: 'person',
  params: IdParams,
  replies: { 200: Success(User), 400: Failure, 403: Failure, 404: Failure },
  async handler(profiles, { params, context }) {
    return reply(200, done(userOf(await profiles.read(ownOrAdministered(params.id, context), context))))
  },
})

const createUser = route('profiles', 'POST', '/users', {
  summary: 'Create a user; with a password the user can sign in at once',
  access: 'accounts:manage',
  idempotent: true,
  body: Type.Object({
    username: Text({ minLength: 1 }),
    password: Type.Optional(Text({ minLength: 1 })),
    ...userFields,
  }),
  replies: { 201: Success(User), 400: Failure },
  validationError: ({ path }) =>
    path.startsWith('/username') || path === '' ? validationErrors.username : validationErrors.person,
  async handler(profiles, { body, context, idempotency }) {
    const { username, password } = body
    const person = { username, password, ...fieldsOf(body), email: body.email || undefined }
    const made = await profiles.add(person, context, idempotency)
    return reply(201, done(userOf(made), 'The user is created.'))
  },
})

const updateUser = route('profiles', 'PUT', '/users/:id', {
  summary: "Change a user's profile",
  description: 'Oneself, or anybody as an administrator. Absent fields stay, null clears one; the username stays.',
  access: 'person',
  params: IdParams,
  body: Type.Object(userFields),
  replies: { 200: Success(User), 400: Failure, 403: Failure, 404: Failure },
  validationError: () => validationErrors.change,
  async handler(profiles, { params, body, claims, context }) {
    const { accountId } = await profiles.read(ownOrAdministered(params.id, context), context)
    const administrator = { accountId: claims.uid }
    const changed = await profiles.change(accountId, fieldsOf(body), context, { administrator })
    return reply(200, done(userOf(changed), 'The user is updated.'))
  },
})

const deleteUser = route('profiles', 'DELETE', '/users/:id', {
  summary: 'Delete a user, also as an account',
  description: 'Its tokens are refused at once. Its orders are kept.',
  access: 'accounts:manage',
  params: IdParams,
  replies: { 200: Message, 400: Failure, 403: Failure, 404: Failure },
  async handler(profiles, { params, claims, context }) {
    const { accountId } = await profiles.read(numberOf(params.id), context)
    await profiles.remove(accountId, context, { accountId: claims.uid })
    return reply(200, message('The user is deleted.'))
  },
})

export const profilesRoutes = operations('Users', {
  readProfile,
  listUsers,
  readUser,
  createUser,
  updateUser,
  deleteUser,
})
