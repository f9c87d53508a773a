import { withServices } from '../compose/compose.ts'
import { loadCommandConfig } from '../config/config.ts'
import { configured, contractNamed } from '../contracts/configured.ts'
import { createLogger } from '../platform/log.ts'
import { importFile } from './account-file.ts'
import type { Print } from './command.ts'

/**
 * Takes over accounts from a file with one JSON object a line; all of them, or none when a line does not fit.
 * @param options.contract the first there is, when undefined
 * @param options.dryRun true to check the file, against the database as well, and write nothing
 */
export async function importAccounts(
  path: string,
  { contract: name, dryRun }: { contract: string | undefined; dryRun: boolean },
  print: Print,
): Promise<void> {
  const contract = contractNamed(name)
  const config = loadCommandConfig(contract)
  const { realm } = configured(config)[contract]
  await withServices(config, createLogger(config), ['identity'], ({ identity }) =>
    importFile(path, identity.importAccounts(realm), dryRun, print),
  )
}
