import Type from 'typebox'
import { seconds, systemClock } from '../../platform/clock.ts'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import { may, type RequestContext } from '../../services/realm/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { expiryHeaders } from './expiry.ts'
import { accountIdOf } from './fields.ts'
import { Failure, LongUser, longUserOf, UserWithColumns, userWithColumnsOf } from './wire.ts'

/** Refuses whoever is neither the account's owner nor an administrator nor a service. Judged before anything is looked up. */
function authorise(context: RequestContext, isOwner: (claims: AccessClaims) => boolean): void {
  const { service, claims } = context
  if (!service && !(claims && isOwner(claims)) && !may(context, 'accounts:read')) throw refuseAtEdge('edge.forbidden')
}

/** A service's own token does not expire. */
const warning = ({ claims }: RequestContext) => (claims ? expiryHeaders(claims, seconds(systemClock)) : {})

const readAccount = route('identity', 'GET', '/api/auth/users/:userId', {
  summary: 'Read an account by its id: your own, or any as an administrator or a service',
  access: 'person_or_service',
  params: Type.Object({ userId: Type.String() }),
  replies: {
    200: Type.Object({ success: Type.Literal(true), data: LongUser }),
    401: Failure,
    403: Failure,
    404: Failure,
  },
  async handler(identity, { params, context }) {
    const userId = accountIdOf(params.userId)
    authorise(context, ({ uid }) => uid === userId)
    if (userId === undefined) throw new DomainError('identity.account_not_found')
    const account = await identity.accounts.find(userId, context)
    return reply(200, { success: true, data: longUserOf(account) }, warning(context))
  },
})

const readAccountByEmail = route('identity', 'GET', '/api/auth/users/email/:email', {
  summary: 'Read an account by its e-mail address: your own, or any as an administrator or a service',
  access: 'person_or_service',
  params: Type.Object({ email: Text() }),
  replies: {
    200: Type.Object({ success: Type.Literal(true), data: UserWithColumns }),
    400: Failure,
    401: Failure,
    403: Failure,
    404: Failure,
  },
  async handler(identity, { params, claims, context }) {
    const email = params.email.trim().toLowerCase()
    const isOwn = (own: AccessClaims) => own.email === email
    authorise(context, isOwn)
    // An unproven address is no name that an account is found by, except by its own bearer.
    const own = !context.service && isOwn(claims)
    const account = await (own
      ? identity.accounts.find(claims.uid, context)
      : identity.accounts.findByName(email, context))
    return reply(200, { success: true, data: userWithColumnsOf(account) }, warning(context))
  },
})

const readOwnAccount = route('identity', 'GET', '/api/auth/me', {
  summary: "The caller's account",
  access: 'person',
  replies: {
    200: Type.Object({ success: Type.Literal(true), data: LongUser, user: LongUser }),
    401: Failure,
    404: Failure,
  },
  async handler(identity, { claims, context }) {
    const data = longUserOf(await identity.accounts.find(claims.uid, context))
    return reply(200, { success: true, data, user: data }, warning(context))
  },
})

const Counts = Type.Object({
  totalUsers: Type.Integer(),
  activeUsers: Type.Integer(),
  lockedUsers: Type.Integer(),
  activeSessions: Type.Integer(),
  timestamp: Type.String(),
})

const countAccounts = route('identity', 'GET', '/api/auth/stats', {
  summary: 'Count accounts and sessions',
  access: 'statistics:read',
  replies: { 200: Type.Object({ success: Type.Literal(true), data: Counts }), 401: Failure, 403: Failure },
  async handler(identity, { context }) {
    const found = await identity.accounts.statistics(context)
    const data = {
      totalUsers: found.accounts,
      activeUsers: found.activeAccounts,
      lockedUsers: found.lockedAccounts,
      activeSessions: found.activeSessions,
      timestamp: new Date(systemClock.now()).toISOString(),
    }
    return reply(200, { success: true, data })
  },
})

export const accountRoutes = operations('Accounts', { readAccount, readAccountByEmail, readOwnAccount, countAccounts })
