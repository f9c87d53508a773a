import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { configured, contractNamed } from '../contracts/configured.ts'
import { createLogger } from '../platform/log.ts'
import { importFile } from './account-file.ts'
import type { Print } from './command.ts'

export interface ImportAccountsOptions {
  /** Undefined: the first there is. */
  contract: string | undefined
  /** True to check the file, against the database as well, and write nothing. */
  dryRun: boolean
}

/** Takes over accounts from a file with one JSON object a line; all of them, or none when a line does not fit. */
export async function importAccounts(
  path: string,
  { contract: name, dryRun }: ImportAccountsOptions,
  print: Print,
): Promise<void> {
  const contract = contractNamed(name)
  const config = loadCommandConfig(contract)
  const { realm } = configured(config)[contract]
  await withServices(config, createLogger(config.logLevel), ['identity'], ({ identity }) =>
    importFile(path, identity.importAccounts(realm), dryRun, print),
  )
}
