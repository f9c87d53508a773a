import type { RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { makeProfile } from './make-profile.ts'
import { type Profile, profileOf } from './profile.ts'
import { membershipIn } from './profile-rows.ts'
import { tenantOf } from './tenant.ts'

/** Makes the profile that another service announces somebody to have; `made` is false when there is one already. */
export const registerProfile =
  (deps: Deps) =>
  async (
    { accountId, email }: { accountId: string; email?: string | undefined },
    context: RequestContext,
  ): Promise<{ profile: Profile; made: boolean }> => {
    const account = await deps.accounts.find(accountId)
    if (account?.tenant.toLowerCase() !== tenantOf(context)) throw refuse('profiles.not_found')
    const fields = account.email === null && email !== undefined ? { email } : {}
    const membership = membershipIn(account, context.realm.name)
    const { row, made } = await makeProfile(deps, { account, membership, fields, tells: true, context })
    return { profile: profileOf(row, context), made }
  }
