import Type from 'typebox'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { validationError } from './errors.ts'
import { lineOf } from './fields.ts'
import { entriesOf, Pagination, pageFields, paginationOf } from './pages.ts'
import { roles } from './realm.ts'
import { ListedProfile, listedProfileOf } from './user-wire.ts'
import { Failure } from './wire.ts'

const orders = ['createdAt', 'updatedAt', 'email', 'firstName', 'lastName'] as const

/** Which users, in which order. Forms send the filters that nobody filled in as empty text. */
const UserQuery = Type.Object({
  ...pageFields,
  search: Type.Optional(Text({ maxLength: 100 })),
  department: Type.Optional(Text({ maxLength: 100 })),
  role: Type.Optional(Type.Enum([...roles, ''])),
  sortBy: Type.Optional(Type.Enum([...orders, ''])),
  sortOrder: Type.Optional(Type.Enum(['asc', 'desc', 'ASC', 'DESC', ''])),
})

/** What a query looks for; without an order the newest come first. */
export const searchOf = (query: Type.Static<typeof UserQuery>) => ({
  text: lineOf(query.search) ?? undefined,
  department: lineOf(query.department) ?? undefined,
  role: query.role || undefined,
  sortBy: query.sortBy || 'createdAt',
  descending: query.sortOrder?.toLowerCase() !== 'asc',
  ...entriesOf(query),
})

/** The reference's names for the parts of a page, and those of the published types beside them. */
const UserPagination = Type.Object({
  ...Pagination.properties,
  hasNext: Type.Boolean(),
  hasPrev: Type.Boolean(),
  currentPage: Type.Integer(),
  totalPages: Type.Integer(),
  totalUsers: Type.Integer(),
})

function userPaginationOf(query: Type.Static<typeof UserQuery>, found: number): Type.Static<typeof UserPagination> {
  const pagination = paginationOf(query, found)
  const { page, pages, total } = pagination
  return {
    ...pagination,
    hasNext: page < pages,
    hasPrev: page > 1,
    currentPage: page,
    totalPages: pages,
    totalUsers: total,
  }
}

const listUsers = route('profiles', 'GET', '/api/admin/users', {
  summary: 'List users, by words of their names and addresses, department and role',
  description: 'Filters that are empty text count as none.',
  access: 'accounts:read',
  query: UserQuery,
  replies: {
    200: Type.Object({
      success: Type.Literal(true),
      data: Type.Array(ListedProfile),
      users: Type.Array(ListedProfile),
      pagination: UserPagination,
    }),
    400: Failure,
  },
  validationError,
  async handler(profiles, { query, context }) {
    const { total, profiles: found } = await profiles.search(searchOf(query), context)
    const data = found.map(listedProfileOf)
    return reply(200, { success: true, data, users: data, pagination: userPaginationOf(query, total) })
  },
})

export const userListRoutes = operations('Administration', { listUsers }, { listUsers: '/api/v1/users' })
