import { newId } from '../../platform/ids.ts'
import type { Realm } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { type AccountToImport, type ImportedAccount, type ReadAccount, readAccount } from './imported-account.ts'
import { ensureTenants, findImportConflicts, type ImportConflict, insertImported } from './store/imports.ts'

export type { AccountToImport, ImportedAccount } from './imported-account.ts'

/** An import into one contract, in the order it is used: read all, look for conflicts, write. */
export interface AccountImport {
  /** What would be written, or why the account does not fit. */
  read(account: AccountToImport): ReadAccount
  /** Which of these, at most a thousand, collide with accounts there are or once were. */
  conflicts(accounts: readonly ImportedAccount[]): Promise<ImportConflict[]>
  /**
   * Writes all accounts in one transaction, or none: refuses with `identity.username_taken` when a name or proven address was
   * taken meanwhile. `rows` is called again when the transaction has to start over.
   */
  write(rows: () => AsyncIterable<ImportedAccount>): Promise<{ written: number }>
}

/** Accounts of one statement: few enough for its deadline. */
const batchSize = 500

/** Takes accounts over from another system, into a contract. Their passwords stay as they are until the first sign-in. */
export const importAccounts =
  ({ database, clock, eventsRecorded }: Pick<Deps, 'database' | 'clock' | 'eventsRecorded'>) =>
  (realm: Realm): AccountImport => ({
    read: (account) => readAccount(account, realm, clock.now()),

    conflicts: (accounts) =>
      findImportConflicts(
        database,
        accounts.map(({ tenant, username, email, emailVerified }, position) => {
          return { position, tenant, username, provenEmail: emailVerified ? email : null }
        }),
        realm.name,
      ),

    async write(rows) {
      const written = await database.transaction(async (tx) => {
        let count = 0
        for await (const batch of inBatches(rows())) {
          if (realm.policy.tenant === 'named') await ensureTenants(tx, tenantsOf(batch))
          const imported = batch.map((account) => ({
            ...account,
            id: newId(),
            eventIds: [newId(), newId()] as const,
          }))
          const { written, joined } = await insertImported(tx, imported, realm.name)
          if (written + joined !== batch.length) throw refuse('identity.username_taken')
          count += batch.length
        }
        return count
      })
      if (written > 0) eventsRecorded()
      return { written }
    },
  })

/** The tenants of a batch, each once, in one order, so that two imports do not wait for each other in a circle. */
function tenantsOf(batch: readonly ImportedAccount[]) {
  const names = new Map<string, string>()
  for (const { tenant } of batch) if (!names.has(tenant.toLowerCase())) names.set(tenant.toLowerCase(), tenant)
  return [...names].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, name]) => ({ id: newId(), name }))
}

async function* inBatches(rows: AsyncIterable<ImportedAccount>): AsyncGenerator<ImportedAccount[]> {
  let batch: ImportedAccount[] = []
  for await (const row of rows) {
    batch.push(row)
    if (batch.length === batchSize) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
