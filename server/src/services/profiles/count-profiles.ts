import type { RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { tenantFacet } from './search/facets.ts'
import * as store from './store/index.ts'
import { scopeName, scopeOf } from './tenant.ts'

/** The largest first. */
const departmentsShown = 100

/** Figures of the realm's tenant. */
export const countProfiles =
  ({ database }: Deps) =>
  async (context: RequestContext) => {
    const scope = scopeOf(context)
    const name = scopeName(scope)
    const everybody = tenantFacet(scope.tenant)
    const [totalOf, recent, departments, activityTypes] = await Promise.all([
      store.totalsOf(database, name, [everybody]),
      store.countNew(database, name),
      store.countDepartments(database, name, departmentsShown),
      store.countRecentActivities(database, scope),
    ])
    return { total: totalOf(everybody), ...recent, departments, activityTypes }
  }
