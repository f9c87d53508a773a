import Type from 'typebox'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'

const Statistics = Type.Object({
  total_users: Type.Integer(),
  new_users_30d: Type.Integer(),
  new_users_7d: Type.Integer(),
  departments_count: Type.Integer(),
  departments_breakdown: Type.Array(Type.Object({ department: Type.String(), count: Type.Integer() })),
  activityTypes: Type.Array(Type.Object({ activity_type: Type.String(), count: Type.Integer() })),
})

const readStatistics = route('profiles', 'GET', '/api/admin/stats', {
  summary: 'Count users, those of each department, and what happened in the last 30 days',
  access: 'statistics:read',
  replies: { 200: Type.Object({ success: Type.Literal(true), data: Statistics }) },
  async handler(profiles, { context }) {
    const { total, newIn30Days, newIn7Days, departments, activityTypes } = await profiles.statistics(context)
    const data = {
      total_users: total,
      new_users_30d: newIn30Days,
      new_users_7d: newIn7Days,
      departments_count: departments.length,
      departments_breakdown: departments,
      activityTypes: activityTypes.map(({ type, count }) => ({ activity_type: type, count })),
    }
    return reply(200, { success: true, data })
  },
})

export const userStatisticsRoutes = operations(
  'Administration',
  { readStatistics },
  { readStatistics: '/api/v1/users/stats' },
)
