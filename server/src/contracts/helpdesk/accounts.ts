import Type from 'typebox'
import { seconds, systemClock } from '../../platform/clock.ts'
import { Refusal, refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/http/token-verifier.ts'
import { type Inquiry, may, reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { expiryHeaders } from './expiry.ts'
import { accountIdOf } from './fields.ts'
import { Failure, LongUser, longUserOf, UserWithColumns, userWithColumnsOf } from './wire.ts'

/** Refuses whoever is neither the account's owner nor an administrator nor a service. Judged before anything is looked up. */
function authorise({ claims, service, client }: Asking, isOwner: (claims: AccessClaims) => boolean): void {
  if (!service && !isOwner(claims) && !may(claims, client.terms, 'accounts:read')) throw refuseAtEdge('edge.forbidden')
}
type Asking = Pick<Inquiry<unknown, unknown, unknown>, 'claims' | 'service' | 'client'>

/** A service's own token does not expire. */
const warning = ({ claims, service }: Asking) => (service ? {} : expiryHeaders(claims, seconds(systemClock)))

const user = route({
  service: 'identity',
  method: 'GET',
  url: '/api/auth/users/:userId',
  summary: 'Read an account by its id: your own, or any as an administrator or a service',
  access: 'person_or_service',
  limit: 'read',
  params: Type.Object({ userId: Type.String() }),
  replies: {
    200: Type.Object({ success: Type.Literal(true), data: LongUser }),
    401: Failure,
    403: Failure,
    404: Failure,
  },
  async handler(identity, inquiry) {
    const userId = accountIdOf(inquiry.params.userId)
    authorise(inquiry, ({ uid }) => uid === userId)
    if (userId === undefined) throw new Refusal('identity.account_not_found')
    const account = await identity.accounts.find(userId, inquiry.client)
    return reply(200, { success: true, data: longUserOf(account) }, warning(inquiry))
  },
})

const userByEmail = route({
  service: 'identity',
  method: 'GET',
  url: '/api/auth/users/email/:email',
  summary: 'Read an account by its e-mail address: your own, or any as an administrator or a service',
  access: 'person_or_service',
  limit: 'read',
  params: Type.Object({ email: Text() }),
  replies: {
    200: Type.Object({ success: Type.Literal(true), data: UserWithColumns }),
    400: Failure,
    401: Failure,
    403: Failure,
    404: Failure,
  },
  async handler(identity, inquiry) {
    const { params, claims, client } = inquiry
    const email = params.email.trim().toLowerCase()
    const isOwn = (own: AccessClaims) => own.email === email
    authorise(inquiry, isOwn)
    // An unproven address is no name that an account is found by, except by its own bearer.
    const own = !inquiry.service && isOwn(claims)
    const account = await (own
      ? identity.accounts.find(claims.uid, client)
      : identity.accounts.findByName(email, client))
    return reply(200, { success: true, data: userWithColumnsOf(account) }, warning(inquiry))
  },
})

const me = route({
  service: 'identity',
  method: 'GET',
  url: '/api/auth/me',
  summary: "The caller's account",
  access: 'person',
  limit: 'read',
  replies: {
    200: Type.Object({ success: Type.Literal(true), data: LongUser, user: LongUser }),
    401: Failure,
    404: Failure,
  },
  async handler(identity, inquiry) {
    const data = longUserOf(await identity.accounts.find(inquiry.claims.uid, inquiry.client))
    return reply(200, { success: true, data, user: data }, warning(inquiry))
  },
})

const Counts = Type.Object({
  totalUsers: Type.Integer(),
  activeUsers: Type.Integer(),
  lockedUsers: Type.Integer(),
  activeSessions: Type.Integer(),
  timestamp: Type.String(),
})

const stats = route({
  service: 'identity',
  method: 'GET',
  url: '/api/auth/stats',
  summary: 'Count accounts and sessions',
  access: 'statistics:read',
  limit: 'read',
  replies: { 200: Type.Object({ success: Type.Literal(true), data: Counts }), 401: Failure, 403: Failure },
  async handler(identity, { client }) {
    const found = await identity.accounts.statistics(client)
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

export const accountRoutes = operations('Accounts', {
  readAccount: user,
  readAccountByEmail: userByEmail,
  readOwnAccount: me,
  countAccounts: stats,
})
