import type { RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { tenantFacet } from './search/facets.ts'
import * as store from './store/index.ts'
import { tenantOf } from './tenant.ts'

/** The largest first. */
const departmentsShown = 100

/** Figures of the realm's tenant. */
export const countProfiles =
  ({ database }: Deps) =>
  async (context: RequestContext) => {
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
