import Type from 'typebox'
import { DomainError } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { Profile, Profiles } from '../../services/profiles/index.ts'
import type { RequestContext } from '../../services/realm/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { validationError } from './errors.ts'
import { accountIdOf } from './fields.ts'
import { changed, ProfileBody } from './profile-fields.ts'
import { roles } from './realm.ts'
import { ChangedProfile, ProfileAnswer, profileOf } from './user-wire.ts'
import { Failure, Message, message } from './wire.ts'

/** Administrators over the profiles and accounts of others. */

/** The account's id in a path: any text, so that an id that cannot exist is "not found" and not a fault of form. */
const UserParams = Type.Object({ id: Type.String() })

/** The profile of that account. Every change looks first: an account without a profile gets one, a foreign one is not found. */
async function profileAt(
  profiles: Profiles,
  { id }: Type.Static<typeof UserParams>,
  context: RequestContext,
): Promise<Profile> {
  const accountId = accountIdOf(id)
  if (accountId === undefined) throw new DomainError('profiles.not_found')
  return profiles.read({ accountId }, context)
}

/** Refuses what nobody may do to oneself. */
function notOneself({ id }: Type.Static<typeof UserParams>, { uid }: AccessClaims): void {
  if (accountIdOf(id) === uid) throw new DomainError('identity.not_oneself')
}

const administrator = ({ uid }: AccessClaims) => ({ accountId: uid })

const readUser = route('profiles', 'GET', '/api/admin/users/:id', {
  summary: "Read somebody's profile",
  access: 'accounts:read',
  params: UserParams,
  replies: { 200: ProfileAnswer, 404: Failure },
  async handler(profiles, { params, context }) {
    return reply(200, { success: true, data: profileOf(await profileAt(profiles, params, context)) })
  },
})

const changeUser = route('profiles', 'PUT', '/api/admin/users/:id', {
  summary: "Change somebody's profile",
  access: 'accounts:manage',
  params: UserParams,
  body: ProfileBody,
  replies: { 200: ChangedProfile, 400: Failure, 404: Failure },
  validationError,
  async handler(profiles, { params, body, claims, context }) {
    const present = await profileAt(profiles, params, context)
    const options = { administrator: administrator(claims) }
    return changed(body, present, (changes) => profiles.change(present.accountId, changes, context, options))
  },
})

const deleteUser = route('profiles', 'DELETE', '/api/admin/users/:id', {
  summary: 'Delete somebody, account and all',
  access: 'accounts:manage',
  params: UserParams,
  replies: { 200: Message, 403: Failure, 404: Failure },
  async handler(profiles, { params, claims, context }) {
    notOneself(params, claims)
    const { accountId } = await profileAt(profiles, params, context)
    await profiles.remove(accountId, context, administrator(claims))
    return reply(200, message("L'utilisateur a été supprimé."))
  },
})

const changeRole = route('profiles', 'PUT', '/api/admin/users/:id/role', {
  summary: 'Give somebody another role; the tokens of the former one are good no longer',
  access: 'roles:grant',
  params: UserParams,
  body: Type.Object({ role: Type.Enum([...roles]) }),
  replies: {
    200: Type.Object({ ...Message.properties, data: Type.Object({ role: Type.String() }) }),
    400: Failure,
    403: Failure,
    404: Failure,
  },
  validationError,
  async handler(profiles, { params, body, claims, context }) {
    notOneself(params, claims)
    const { accountId } = await profileAt(profiles, params, context)
    const { role } = await profiles.changeRole(accountId, body.role, administrator(claims), context)
    return reply(200, { ...message('Le rôle a été modifié.'), data: { role } })
  },
})

export const administratedRoutes = operations(
  'Administration',
  { readUser, changeUser, deleteUser, changeRole },
  {
    readUser: '/api/v1/users/:id',
    changeUser: '/api/v1/users/:id',
    deleteUser: '/api/v1/users/:id',
    changeRole: '/api/v1/users/:id/role',
  },
)
