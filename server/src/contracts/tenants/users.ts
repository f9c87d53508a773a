import Type from 'typebox'
import { refuseAtEdge } from '../../platform/errors.ts'
import { may } from '../../services/realm/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { IdParams, numberOf } from '../_kit/schema.ts'
import { missingFields, validationFailure } from './errors.ts'
import {
  Activities,
  ActivityQuery,
  activitiesOf,
  activityFilterOf,
  Failure,
  filterOf,
  Message,
  message,
  Role,
  User,
  UsersQuery,
  userOf,
} from './wire.ts'

const listUsers = route('identity', 'GET', '/api/users', {
  summary: "List users: a tenant administrator's own tenant, for vendors all tenants or one",
  access: 'accounts:read',
  query: UsersQuery,
  replies: { 200: Type.Object({ total: Type.Integer(), users: Type.Array(User) }), 400: Failure, 403: Failure },
  validationError: validationFailure,
  async handler(identity, { query, claims, context }) {
    const { total, accounts } = await identity.accounts.list(filterOf(query), claims, context)
    return reply(200, { total, users: accounts.map(userOf) })
  },
})

const updateUser = route('identity', 'PUT', '/api/users/:id', {
  summary: 'Activate or deactivate a user; vendors also give roles',
  access: 'accounts:manage',
  params: IdParams,
  body: Type.Object({ is_active: Type.Optional(Type.Boolean()), role: Type.Optional(Role) }),
  replies: { 200: Message, 400: Failure, 403: Failure, 404: Failure },
  validationError: validationFailure,
  async handler(identity, { params, body, claims, context }) {
    const grants = may(context, 'roles:grant')
    if (body.is_active === undefined && body.role === undefined) {
      throw refuseAtEdge('edge.bad_request', missingFields('is_active', ...(grants ? ['role'] : [])))
    }
    // A role from somebody who may give none is ignored, as in the reference.
    const role = grants ? body.role : undefined
    await identity.administer(numberOf(params.id), { active: body.is_active, role }, { accountId: claims.uid }, context)
    return reply(200, message('User updated successfully'))
  },
})

const readActivity = route('identity', 'GET', '/api/users/:id/activity', {
  summary: "A user's activity, newest first",
  access: 'accounts:read',
  params: IdParams,
  query: ActivityQuery,
  replies: { 200: Activities, 400: Failure, 403: Failure, 404: Failure },
  validationError: validationFailure,
  async handler(identity, { params, query, claims, context }) {
    const filter = activityFilterOf(query)
    const activities = await identity.accounts.activitiesOf(numberOf(params.id), filter, claims, context)
    return reply(200, activitiesOf(activities))
  },
})

const recent = 10

const readMetrics = route('identity', 'GET', '/api/metrics', {
  summary: 'Counts of users and tenants, and the newest activities',
  access: 'statistics:read',
  limit: 'metrics',
  replies: {
    200: Type.Object({
      users: Type.Object({ total: Type.Integer(), active: Type.Integer(), verified: Type.Integer() }),
      tenants: Type.Integer(),
      recent_activities: Type.Array(
        Type.Object({
          action: Type.String(),
          user_id: Type.Union([Type.Integer(), Type.Null()]),
          created_at: Type.String({ format: 'date-time' }),
        }),
      ),
    }),
    403: Failure,
  },
  async handler({ accounts }, { context }) {
    const [counts, newest] = await Promise.all([accounts.statistics(context), accounts.recentActivities(recent)])
    return reply(200, {
      users: { total: counts.accounts, active: counts.activeAccounts, verified: counts.verifiedAccounts },
      tenants: counts.tenants,
      recent_activities: newest.map(({ action, accountNumber, createdAt }) => ({
        action,
        user_id: accountNumber,
        created_at: createdAt.toISOString(),
      })),
    })
  },
})

export const usersRoutes = operations(
  'Administration',
  { listUsers, updateUser, readActivity, readMetrics },
  {
    listUsers: '/api/v1/users',
    updateUser: '/api/v1/users/:id',
    readActivity: '/api/v1/users/:id/activity',
    readMetrics: '/api/v1/users/metrics',
  },
)
