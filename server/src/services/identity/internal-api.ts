import type { IdempotencyKey } from '../../platform/db/idempotency.ts'
import { newId } from '../../platform/ids.ts'
import { operator, type Realm } from '../realm/index.ts'
import { administer } from './administer.ts'
import { createAccount, type NewAccountInput } from './create-account.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store/index.ts'

/** What the other services of the installation ask for, in the name of people whom they let in. */
export const internalApi = (deps: Deps) => {
  const { database } = deps
  const create = createAccount(deps)
  const change = administer(deps)

  return {
    find: (accountId: string): Promise<store.AccountSummary | undefined> => store.findSummary(database, accountId),

    /** Those of the accounts that are active members of the realm. */
    active: (accountIds: readonly string[], realm: Realm): Promise<string[]> =>
      store.findActive(database, accountIds, realm.name),

    /**
     * Makes an account, or a member of one that is there already. A new one without a password is mailed an invitation to choose one.
     */
    async create(
      input: Pick<NewAccountInput, 'username' | 'email' | 'password' | 'displayName' | 'role'>,
      realm: Realm,
      idempotency: IdempotencyKey | undefined,
    ): Promise<store.AccountSummary> {
      const invited = input.password === undefined
      const { account } = await create({ ...input, invited }, operator(realm), idempotency)
      const made = await store.findSummary(database, account.id)
      if (!made) throw refuse('identity.account_not_found')
      return made
    },

    /** Changes the name that mail greets a person by. */
    async rename(accountId: string, displayName: string): Promise<void> {
      const by = { accountId, displayName, preferences: undefined, eventId: newId() }
      if ((await store.changePerson(database, by)) === 0) throw refuse('identity.account_not_found')
      deps.eventsRecorded()
    },

    /** Gives a role in a contract, as the administrator `by`, whose right to do so is judged here. */
    async changeRole(accountId: string, role: string, by: string, realm: Realm): Promise<void> {
      const account = await store.findSummary(database, accountId)
      if (!account) throw refuse('identity.account_not_found')
      await change(account.number, { role }, { accountId: by }, operator(realm))
    },
  }
}
