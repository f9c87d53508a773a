import type { Deps } from './deps.ts'
import { tenantMark } from './search/marks.ts'
import * as store from './store/index.ts'
import { tenantOf, type Visitor } from './visitor.ts'

export interface ProfileStatistics {
  total: number
  newIn30Days: number
  newIn7Days: number
  /** The 100 largest, the largest first. */
  departments: { department: string; count: number }[]
  /** What was done in the last 30 days, the most frequent first. */
  activityTypes: { type: string; count: number }[]
}

const departmentsShown = 100

/** Figures of the visitor's tenant. */
export const countProfiles =
  ({ database }: Deps) =>
  async (visitor: Visitor): Promise<ProfileStatistics> => {
    const tenant = tenantOf(visitor)
    const everybody = tenantMark(tenant)
    const [totalOf, recent, departments, activityTypes] = await Promise.all([
      store.totalsOf(database, tenant, [everybody]),
      store.countNew(database, tenant),
      store.countDepartments(database, tenant, departmentsShown),
      store.countRecentActivities(database, tenant),
    ])
    return { total: totalOf(everybody), ...recent, departments, activityTypes }
  }
