import { LRUCache } from 'lru-cache'
import type { ReadCache } from '../../platform/read-cache.ts'
import { type CachedPeople, type Deps, peopleKey, personKey } from './deps.ts'
import { refuse } from './errors.ts'
import { rowOf } from './own-profile.ts'
import { type Person, personOf } from './profile.ts'
import * as store from './store/index.ts'
import { tenantOf, type Visitor } from './visitor.ts'

/** Numbers whose account is remembered; an account keeps its number for ever. */
const numbersKnown = 10_000

/** Reading people with their roles: remembered until somebody writes, and exact. */
export function readPeople(deps: Deps) {
  const { database } = deps
  // Of what is cached, everything but a person's own part was put there here, with a role.
  const people = deps.people as ReadCache<readonly Person[]>
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
    async person(who: number | { accountId: string }, visitor: Visitor): Promise<Person> {
      const tenant = tenantOf(visitor)
      const accountId = typeof who === 'number' ? await accountOf(who) : who.accountId
      const [found] = await people.get(personKey(accountId), visitor.terms.name, async () => [
        personOf(await rowOf(deps, accountId), visitor),
      ])
      if (found?.tenant !== tenant) throw refuse('profiles.not_found')
      return found
    },
    /** A page of the tenant's people in the order of their numbers. */
    async people(page: { limit: number; offset: number }, visitor: Visitor): Promise<Person[]> {
      const tenant = tenantOf(visitor)
      const part = JSON.stringify([visitor.terms.name, tenant, page.limit, page.offset])
      const found = await people.get(peopleKey, part, async () =>
        (await store.listByNumber(database, tenant, page)).map((row) => personOf(row, visitor)),
      )
      return [...found]
    },
  }
}

/** People as they were before they became JSON. */
export const revivePeople = (value: unknown): CachedPeople =>
  (value as Person[]).map((person) => ({
    ...person,
    createdAt: new Date(person.createdAt),
    updatedAt: person.updatedAt && new Date(person.updatedAt),
  }))
