import type { Config } from '../config/config.ts'
import type { Plan } from '../config/topologies.ts'
import type { Contract } from '../contracts/_kit/contract.ts'
import type { DemoAccount } from '../contracts/_kit/deployment.ts'
import type { Services } from '../contracts/_kit/services.ts'
import type { ContractName } from '../contracts/registry.ts'
import { DomainError, StartError } from '../platform/errors.ts'
import type { Logger } from '../platform/log.ts'
import type { Identity } from '../services/identity/index.ts'
import { operator, type Realm } from '../services/realm/index.ts'

/** The demo sign-ins that a start in development says. */
export const demoSignIns = (contracts: readonly Contract[]): string[] =>
  contracts
    .flatMap(({ deployment }) => deployment.demo?.accounts ?? [])
    .filter(({ announced }) => announced)
    .map(({ email, username = email, password }) => `${username} / ${password}`)

/**
 * Development only: the contracts' demo accounts and products, where they are not there yet.
 * @param made which of the accounts: those of every start, or with `by seed` all of them
 */
export async function seedDemo(
  { contracts, made }: { contracts: readonly Contract[]; made: DemoAccount['made'] },
  { identity, orders }: Partial<Services>,
): Promise<void> {
  for (const { deployment, realm } of contracts) {
    const { accounts, products = [] } = deployment.demo ?? { accounts: [] }
    // The demo passwords may be shorter than the contract's own rule, which holds for everybody else.
    const exempt = { ...realm, policy: { ...realm.policy, password: { minLength: 1 } } }
    for (const account of identity ? accounts : []) {
      if (account.made === 'by seed' && made !== 'by seed') continue
      await createUnlessThere(identity, exempt, account)
    }
    if (products.length > 0) await orders?.fillEmptyCatalogue(products)
  }
}

async function createUnlessThere(identity: Identity | undefined, realm: Realm, account: DemoAccount): Promise<void> {
  const { made: _made, announced: _announced, username = account.email, ...input } = account
  const taken = (error: unknown) => error instanceof DomainError && error.code === 'identity.username_taken'
  await identity?.createAccount({ ...input, username, quietly: true }, operator(realm)).catch((error: unknown) => {
    if (!taken(error)) throw error
  })
}

/** Outside development: makes the first administrator of each contract from its variable; without one, says what to do. */
export async function requireAdministrators(
  config: Config,
  plan: Plan,
  contracts: readonly Contract[],
  { identity }: Partial<Services>,
  log: Logger,
): Promise<void> {
  if (!identity || config.development) return
  for (const { name, realm, deployment } of contracts) {
    const { administrator } = realm.policy.roles
    if (administrator === undefined || (await identity.hasAdministrator(realm))) continue
    const password = config.adminPasswords[name as ContractName]
    const own = plan.topology === name
    const ours = `${name.toUpperCase()}_ADMIN_PASSWORD`
    const variable = (own && deployment.aliases?.[ours]?.[0]) || ours
    // A username is enough where one signs in by it; elsewhere the command is told the address.
    if (password !== undefined && realm.policy.identifier === 'username') {
      await createAdministrator(identity, realm, { username: 'admin', password })
      log.info({ contract: name }, `made the first administrator "admin" with ${variable}, which can be unset now`)
      continue
    }
    const first = deployment.needsAdministrator ? `Set ${variable} for the first start, or make one` : 'Make one'
    const advice =
      `The contract ${name} has no administrator. ${first} with ` +
      `\`npm run guichet -- account create <name> --contract ${name} --role ${administrator}\`.`
    if (own && deployment.needsAdministrator) throw new StartError(advice)
    log.warn(advice)
  }
}

async function createAdministrator(
  identity: Identity,
  realm: Realm,
  account: { username: string; password: string },
): Promise<void> {
  const { administrator } = realm.policy.roles
  try {
    await identity.createAccount({ ...account, role: administrator }, operator(realm))
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    // Another process of the same start was first, which is as good.
    if (error.code === 'identity.username_taken' && (await identity.hasAdministrator(realm))) return
    throw new StartError(
      `The first administrator "${account.username}" of ${realm.name} could not be made: ${error.code}.`,
      { cause: error },
    )
  }
}
