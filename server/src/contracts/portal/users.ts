import Type from 'typebox'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import { may, type RequestContext } from '../../services/realm/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { IdParams, numberOf, PageQuery, pageOf } from '../_kit/schema.ts'
import { invalid, validationError } from './errors.ts'
import { acceptFields, fields, newPassword } from './fields.ts'
import { ChangedUser, Failure, Message, message, User, userOf, usersOf } from './wire.ts'

/** The number that an id is; -1, which nobody has, for whole numbers that are none of ours. */
function idOf(id: string): number {
  if (!/^-?\d+$/.test(id)) throw refuseAtEdge('edge.bad_request', invalid('id must be an integer number'))
  return numberOf(id)
}

/** Whom the path names, when the caller is that user or an administrator. Judged before anything is looked up. */
function ownOrAdministered(params: { id: string }, context: RequestContext): number | { accountId: string } {
  const id = idOf(params.id)
  if (context.claims?.sub === id) return { accountId: context.claims.uid }
  if (!may(context, 'accounts:manage')) throw refuseAtEdge('edge.forbidden')
  return id
}

const listUsers = route('profiles', 'GET', '/users', {
  summary: 'List users',
  access: 'accounts:manage',
  query: PageQuery,
  replies: { 200: Type.Array(User), 400: Failure },
  validationError,
  async handler(profiles, { query, context }) {
    return reply(200, usersOf(await profiles.list(pageOf(query), context)))
  },
})

/** The caller, at two addresses. */
const own = (url: string) =>
  route('profiles', 'GET', url, {
    summary: 'The caller',
    access: 'person',
    replies: { 200: User, 404: Failure },
    async handler(profiles, { claims, context }) {
      return reply(200, userOf(await profiles.read({ accountId: claims.uid }, context)))
    },
  })

const readUser = route('profiles', 'GET', '/users/:id', {
  summary: 'Read a user: yourself, or any as an administrator',
  access: 'person',
  params: IdParams,
  replies: { 200: User, 400: Failure, 403: Failure, 404: Failure },
  validationError,
  async handler(profiles, { params, context }) {
    return reply(200, userOf(await profiles.read(ownOrAdministered(params, context), context)))
  },
})

const createUser = route('profiles', 'POST', '/users', {
  summary: 'Add a user; without a password a link to set one is mailed',
  description: 'The link is good for 24 hours.',
  access: 'accounts:manage',
  idempotent: true,
  body: Type.Object({ name: fields.name, email: fields.email, password: fields.password, role: fields.role }),
  replies: { 201: User, 400: Failure, 409: Failure },
  validationError,
  async handler(profiles, { body, context, idempotency }) {
    const { name: displayName, email, role } = acceptFields(body, 'name', 'email')
    const person = { displayName, email, role, password: newPassword(body) }
    return reply(201, userOf(await profiles.add(person, context, idempotency)))
  },
})

const changeUser = route('profiles', 'PUT', '/users/:id', {
  summary: 'Change name and address: your own, or of anybody as an administrator, who changes roles as well',
  description: 'Absent fields stay.',
  access: 'person',
  params: IdParams,
  body: Type.Object({ name: fields.name, email: fields.email, role: fields.role }),
  replies: { 200: ChangedUser, 400: Failure, 403: Failure, 404: Failure, 409: Failure },
  validationError,
  async handler(profiles, { body, params, claims, context }) {
    const target = ownOrAdministered(params, context)
    // A role from somebody who may give none is dropped.
    const grants = may(context, 'roles:grant')
    const { name, email, role } = acceptFields({ ...body, role: grants ? body.role : undefined })
    const person = await profiles.read(target, context)
    const { accountId } = person
    const newRole = role === person.role ? undefined : role
    // Identity judges it again; here so that nothing has changed when it refuses.
    if (newRole !== undefined && accountId === claims.uid) throw new DomainError('identity.not_oneself')
    const administrator = { accountId: claims.uid }
    if (name !== undefined || email !== undefined) {
      const by = accountId === claims.uid ? {} : { administrator }
      await profiles.change(accountId, { displayName: name, email }, context, { ...by, tellTaken: true })
    }
    if (newRole !== undefined) await profiles.changeRole(accountId, newRole, administrator, context)
    // The address shown is another at once, the one that signs in is not; back to that, nothing is left to be opened.
    const unconfirmed = email !== undefined && email !== person.email && email !== claims.email
    const user = userOf(await profiles.read({ accountId }, context))
    return reply(200, { ...user, ...(unconfirmed && message(openTheLink)) })
  },
})

const openTheLink =
  'Sign-in goes by the address before until the link is opened that is mailed to the new one, within 24 hours'

const changeRole = route('profiles', 'PATCH', '/users/:id/role', {
  summary: "Change a user's role",
  access: 'roles:grant',
  params: IdParams,
  body: Type.Object({ role: fields.role }),
  replies: { 200: User, 400: Failure, 403: Failure, 404: Failure },
  validationError,
  async handler(profiles, { params, body, claims, context }) {
    const id = idOf(params.id)
    const { role = '' } = acceptFields(body, 'role')
    const { accountId } = await profiles.read(id, context)
    return reply(200, userOf(await profiles.changeRole(accountId, role, { accountId: claims.uid }, context)))
  },
})

const deleteUser = route('profiles', 'DELETE', '/users/:id', {
  summary: 'Delete a user, also as an account',
  access: 'accounts:manage',
  params: IdParams,
  replies: { 200: Message, 400: Failure, 403: Failure, 404: Failure },
  validationError,
  async handler(profiles, { params, claims, context }) {
    const { accountId } = await profiles.read(idOf(params.id), context)
    await profiles.remove(accountId, context, { accountId: claims.uid })
    return reply(200, message('User deleted successfully'))
  },
})

export const usersRoutes = operations('Users', {
  listUsers,
  readMe: own('/users/me'),
  readProfile: own('/auth/profile'),
  readUser,
  createUser,
  changeUser,
  changeRole,
  deleteUser,
})
