import type { IdempotencyKey } from '../../platform/db/idempotency.ts'
import type { RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { makeProfile } from './make-profile.ts'
import { type Profile, type ProfileFields, profileOf } from './profile.ts'
import { membershipIn } from './profile-rows.ts'
import { checkPreferences } from './write-profile.ts'

export type NewPerson = ProfileFields & {
  /** The e-mail address, when absent. */
  username?: string | undefined
  /** Without one nobody can sign in with a password yet. */
  password?: string | undefined
  /** A person's, when absent. */
  role?: string | undefined
}

/** Makes an account and its profile in one request. A crash between the two is healed by the event of the account. */
export const addPerson =
  (deps: Deps) =>
  async (person: NewPerson, context: RequestContext, idempotency: IdempotencyKey | undefined): Promise<Profile> => {
    const { username, password, role, ...fields } = person
    const realm = context.realm.name
    await checkPreferences(deps, null, fields.preferences)
    const shared = { email: fields.email ?? undefined, displayName: fields.displayName ?? undefined }
    const account = await deps.accounts.create({ username, password, role, ...shared }, realm, idempotency)
    const { row } = await makeProfile(deps, {
      account,
      membership: membershipIn(account, realm),
      fields,
      tells: true,
      context,
    })
    return profileOf(row, context)
  }
