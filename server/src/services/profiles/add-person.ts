import type { IdempotencyKey } from '../../platform/db/idempotency.ts'
import type { Deps } from './deps.ts'
import * as store from './store.ts'

export interface NewPerson extends store.ProfileFields {
  username: string
  password?: string | undefined
  email?: string | undefined
}

/** Makes an account and its profile in one request. A crash between the two is healed by the event of the account. */
export const addPerson =
  ({ database, accounts }: Deps) =>
  async (person: NewPerson, contract: string, idempotency: IdempotencyKey | undefined): Promise<store.Profile> => {
    const { username, password, email, ...fields } = person
    const account = await accounts.create({ username, email, password }, contract, idempotency)
    return store.ensureProfile(database, account, { email, ...fields })
  }
