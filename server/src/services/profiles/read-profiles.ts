import { LRUCache } from 'lru-cache'
import type { RequestContext } from '../realm/index.ts'
import { type CachedPeople, type Deps, peopleKey, personKey } from './deps.ts'
import { refuse } from './errors.ts'
import { type Profile, profileOf } from './profile.ts'
import { rowOf } from './profile-rows.ts'
import * as store from './store/index.ts'
import { scopeName, scopeOf, tenantOf } from './tenant.ts'

/** Numbers whose account is remembered; an account keeps its number for ever. */
const numbersKnown = 10_000

/** Reading profiles, one's own and others', with their roles: remembered until somebody writes, and exact. */
export function readProfiles(deps: Deps) {
  const { database, people } = deps
  const accounts = new LRUCache<number, string>({ max: numbersKnown })

  async function accountOf(number: number): Promise<string> {
    const known = accounts.get(number)
    if (known !== undefined) return known
    const found = await store.accountOfNumber(database, number)
    if (found === undefined) throw refuse('profiles.not_found')
    accounts.set(number, found)
    return found
  }

  return {
    /** The profile of an account, or of its number. One of another tenant is refused like one that does not exist. */
    async read(who: number | { accountId: string }, context: RequestContext): Promise<Profile> {
      const tenant = tenantOf(context)
      const accountId = typeof who === 'number' ? await accountOf(who) : who.accountId
      const [found] = await people.get(personKey(accountId), context.realm.name, async () => [
        profileOf(await rowOf(deps, { accountId, realm: context.realm.name }), context),
      ])
      if (found?.tenant !== tenant) throw refuse('profiles.not_found')
      return found
    },
    /** A page of the tenant's profiles in the order of their numbers. */
    async list(page: { limit: number; offset: number }, context: RequestContext): Promise<readonly Profile[]> {
      const scope = scopeName(scopeOf(context))
      const part = JSON.stringify([scope, page.limit, page.offset])
      return people.get(peopleKey, part, async () =>
        (await store.listByNumber(database, scope, page)).map((row) => profileOf(row, context)),
      )
    },
  }
}

/** Profiles as they were before they became JSON. */
export const revivePeople = (value: unknown): CachedPeople =>
  (value as Profile[]).map((profile) => ({
    ...profile,
    createdAt: new Date(profile.createdAt),
    updatedAt: profile.updatedAt && new Date(profile.updatedAt),
  }))
