import type { Database } from '../../platform/db/database.ts'
import type { Accounts } from './accounts-port.ts'

/** The world profiles' use cases live in. */
export interface Deps {
  database: Database
  accounts: Accounts
}
