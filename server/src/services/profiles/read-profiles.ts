import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { rowOf } from './own-profile.ts'
import { type Profile, type ProfileRow, profileOf } from './profile.ts'
import * as store from './store/index.ts'
import { tenantOf, type Visitor } from './visitor.ts'

/** The row of another's profile; one of another tenant is refused like one that does not exist. */
export async function rowFor(deps: Deps, accountId: string, visitor: Visitor): Promise<ProfileRow> {
  const tenant = tenantOf(visitor)
  const row = await rowOf(deps, accountId)
  if (row.tenant !== tenant) throw refuse('profiles.not_found')
  return row
}

/** Reading others' profiles: by account, by number, and as a list in the order of numbers. */
export const readProfiles = (deps: Deps) => ({
  ofAccount: async (accountId: string, visitor: Visitor): Promise<Profile> =>
    profileOf(await rowFor(deps, accountId, visitor)),
  async find(number: number): Promise<Profile> {
    const row = await store.findByNumber(deps.database, number)
    if (row?.tenant !== mainTenant) throw refuse('profiles.not_found')
    return profileOf(row)
  },
  list: async (page: { limit: number; offset: number }): Promise<Profile[]> =>
    (await store.listByNumber(deps.database, mainTenant, page)).map(profileOf),
})

/** The tenant that there is from the first migration on, to which accounts belong unless something else is said. */
const mainTenant = 'main'
