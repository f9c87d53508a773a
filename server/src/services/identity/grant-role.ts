import { newId } from '../../platform/ids.ts'
import { grantOf } from './create-account.ts'
import { type Deps, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import type { Terms } from './policy.ts'
import * as store from './store.ts'

/** Gives an account a role in a contract. Tokens with its former role are refused when this resolves. */
export const grantRole =
  (deps: Deps) =>
  async (username: string, role: string, terms: Terms): Promise<store.AccountRow> => {
    const grant = grantOf(terms, role)
    const account = await store.findAccountByUsername(deps.database, terms.policy.tenant, username)
    if (!account) throw refuse('identity.account_not_found')
    await deps.database.transaction(async (tx) => {
      if (!(await store.lockAccount(tx, account.id))) throw refuse('identity.account_not_found')
      const alone = await store.contractsAdministeredAlone(tx, account.id)
      if (!grant.administrator && alone.some(({ contract }) => contract === terms.name)) {
        throw refuse('identity.last_administrator')
      }
      await store.setRole(tx, { accountId: account.id, ...grant, until: revokedUntil(deps), eventId: newId() })
    })
    deps.eventsRecorded()
    await deps.revocations.spread()
    return account
  }
