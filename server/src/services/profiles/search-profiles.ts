import type { Database } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { type Profile, profileOf } from './profile.ts'
import { tenantFacet } from './search/facets.ts'
import { type Part, type Query, queryOf } from './search/query.ts'
import * as store from './store/index.ts'
import { type Scope, scopeName, scopeOf } from './tenant.ts'

export interface ProfileSearch {
  /** Words of which each has to begin a word of names, e-mail, department or job title. Blank is as good as absent. */
  text?: string | undefined
  /** The whole of it, in whichever case. */
  department?: string | undefined
  /** In the realm of the request. */
  role?: string | undefined
  sortBy: store.SortField
  descending: boolean
  limit: number
  offset: number
}

/** A profile of a list, and whether its membership is active. */
export type ListedProfile = Profile & { active: boolean }

/** A page of the tenant's profiles that fit, with how many there are in all, counted exactly. */
export const searchProfiles =
  ({ database, accounts }: Deps) =>
  async (by: ProfileSearch, context: RequestContext): Promise<{ total: number; profiles: ListedProfile[] }> => {
    const { name: realm, policy } = context.realm
    const { tenant } = scopeOf(context)
    const { text, department } = by
    const role = by.role === undefined ? undefined : { name: by.role, person: policy.roles.person }
    const query = queryOf({ tenant, text, department, role })
    if (query === 'nobody') return { total: 0, profiles: [] }
    const found = await look(database, { realm, tenant }, query)
    const accountIds = await pageOf(database, found, by)
    if (accountIds.length === 0) return { total: found.total, profiles: [] }
    const rows = await store.findProfiles(database, realm, accountIds)
    // Identity's to say, and asked: a list that shows a state of before leads administrators astray.
    const active = new Set(await accounts.active(accountIds, realm))
    const profiles = rows.map((row) => ({ ...profileOf(row, context), active: active.has(row.accountId) }))
    return { total: found.total, profiles }
  }

/** What is found, without a page of it yet. */
interface Found {
  scope: string
  /** Undefined: everybody is. */
  predicates: store.Predicates | undefined
  total: number
  /** Profiles of the scope. */
  everybody: number
}

async function look(database: Database, about: Scope, query: Query | 'everybody'): Promise<Found> {
  const scope = scopeName(about)
  const all = tenantFacet(about.tenant)
  const lexemes = (query === 'everybody' ? [] : query).flatMap(({ term, total }) => [
    term,
    ...(total?.plus ?? []),
    ...(total?.minus ?? []),
  ])
  const totalOf = await store.totalsOf(database, scope, [all, ...lexemes])
  const everybody = totalOf(all)
  if (query === 'everybody') return { scope, predicates: undefined, total: everybody, everybody }

  const fewest = Math.min(...query.map(({ term }) => totalOf(term)))
  // Of conditions that many more fit than the others the index is not asked.
  const indexPredicates = query.filter(({ term }) => totalOf(term) <= 4 * fewest)
  const filterPredicates = query.filter((part) => !indexPredicates.includes(part))
  const predicates = {
    scope,
    indexPredicates: together(indexPredicates) ?? '',
    filterPredicates: together(filterPredicates),
  }
  const sum = (lexemes: readonly string[]) => lexemes.reduce((before, term) => before + totalOf(term), 0)
  const count = async () => {
    const [{ total }, ...others] = query
    if (total && others.length === 0) return sum(total.plus) - sum(total.minus)
    return fewest === 0 ? 0 : store.countFound(database, predicates)
  }
  return { scope, predicates, total: await count(), everybody }
}

/** The tsquery for all of these; null for none. */
const together = (parts: readonly Part[]): string | null => parts.map(({ text }) => text).join(' & ') || null

async function pageOf(
  database: Database,
  { scope, predicates, total, everybody }: Found,
  { sortBy, descending, limit: wanted, offset: first }: ProfileSearch,
): Promise<string[]> {
  const limit = Math.min(wanted, total - first)
  if (limit <= 0) return []
  // What lies in the second half is nearer to the end, and is read from there.
  const behind = total - first - limit
  const backwards = behind < first
  const page = { limit, offset: backwards ? behind : first }
  const order = { by: sortBy, descending, backwards }
  const read = async () => {
    if (!predicates) return store.pageOfAll(database, order, scope, page)
    // Profiles that have to be looked at until the page is full, if those that fit stand evenly among the others.
    const looks = ((page.offset + limit) * everybody) / total
    if (looks < total) {
      const within = Math.ceil(2 * looks) + 1_000
      const walked = await store.pageByWalking(database, order, { ...predicates, within }, page)
      if (walked.length === limit) return walked
    }
    return store.pageByGathering(database, order, predicates, page)
  }
  const accountIds = await read()
  return backwards ? accountIds.reverse() : accountIds
}
