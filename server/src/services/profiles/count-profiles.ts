import type { RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { tenantFacet } from './search/facets.ts'
import * as store from './store/index.ts'
import { tenantOf } from './tenant.ts'

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

/** Figures of the realm's tenant. */
export const countProfiles =
  ({ database }: Deps) =>
  async (context: RequestContext): Promise<ProfileStatistics> => {
    const tenant = tenantOf(context)
    const everybody = tenantFacet(tenant)
    const [totalOf, recent, departments, activityTypes] = await Promise.all([
      store.totalsOf(database, tenant, [everybody]),
      store.countNew(database, tenant),
      store.countDepartments(database, tenant, departmentsShown),
      store.countRecentActivities(database, tenant),
    ])
    return { total: totalOf(everybody), ...recent, departments, activityTypes }
  }
