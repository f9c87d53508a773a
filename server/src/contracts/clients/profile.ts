import Type from 'typebox'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { Identity } from '../../services/identity/index.ts'
import type { AccountView, RequestContext } from '../../services/realm/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { validationErrors } from './errors.ts'
import { Failure, Profile, profileOf, Uuid } from './wire.ts'

/** The caller's own account. A token whose account is gone has ended, whether or not word of it is here yet. */
const own = (identity: Identity, { uid }: AccessClaims, context: RequestContext): Promise<AccountView> =>
  identity.accounts.find(uid, context).catch((error: unknown) => {
    const gone = error instanceof DomainError && error.code === 'identity.account_not_found'
    throw gone ? refuseAtEdge('edge.invalid_token') : error
  })

const readMe = route('identity', 'GET', '/api/v1/me', {
  summary: 'The signed-in client',
  access: 'person',
  replies: { 200: Profile },
  async handler(identity, { claims, context }) {
    return reply(200, profileOf(await own(identity, claims, context)))
  },
})

const readClient = route('identity', 'GET', '/api/v1/clients/:id', {
  summary: "The caller's own profile, by id or as `me`",
  access: 'person',
  params: Type.Object({ id: Type.Union([Type.Literal('me'), Uuid]) }),
  replies: { 200: Profile, 403: Failure, 404: Failure },
  validationError: () => validationErrors.profile,
  async handler(identity, { params, claims, context }) {
    // Judged before anything is looked up: nobody learns which ids exist.
    if (params.id !== 'me' && params.id.toLowerCase() !== claims.uid) throw refuseAtEdge('edge.forbidden')
    return reply(200, profileOf(await own(identity, claims, context)))
  },
})

export const profileRoutes = operations('Profile', { readMe, readClient })
