import type { Config } from './config.ts'
import type { Services } from './contracts/_kit/contract.ts'
import { contracts } from './contracts/registry.ts'
import { Refusal, StartError } from './platform/errors.ts'
import type { Logger } from './platform/log.ts'
import type { Identity, Terms } from './services/identity/index.ts'
import type { NewProduct } from './services/orders/index.ts'
import type { Plan } from './topologies.ts'

/** The demo sign-in of development, by the samples of the shop's document. */
export const demoAdministrator = { username: 'admin', password: 'admin', email: 'admin@example.com' } as const

const demoProducts: readonly NewProduct[] = [
  {
    id: 1,
    name: 'Laptop 14"',
    description: 'Fourteen inches, 16 GB of memory, 512 GB SSD',
    priceCents: 129_900,
    stock: 10,
  },
  { id: 2, name: 'Phone', description: '6.1 inches, 256 GB', priceCents: 119_900, stock: 15 },
  { id: 3, name: 'Headphones', description: 'Wireless, with noise cancelling', priceCents: 39_900, stock: 20 },
  { id: 4, name: 'Tablet', description: '11 inches, 128 GB', priceCents: 69_900, stock: 12 },
  { id: 5, name: 'Watch', description: 'With heart rate and GPS', priceCents: 34_900, stock: 18 },
]

/** Development only: the demo administrator and the five products, where they are not there yet. */
export async function plantDemo(plan: Plan, { identity, orders }: Partial<Services>): Promise<void> {
  if (identity) {
    for (const name of plan.contracts) {
      const { terms } = contracts[name]
      // The demo password is shorter than the contract's own rule, which holds for everybody else.
      const exempt = { ...terms, policy: { ...terms.policy, password: { minLength: 1 } } }
      if (!(await identity.hasAdministrator(name))) await createAdministrator(identity, exempt, demoAdministrator)
    }
  }
  await orders?.fillEmptyCatalogue(demoProducts)
}

/** Outside development: makes the first administrator of each contract from its variable; without one, says what to do. */
export async function requireAdministrators(
  config: Config,
  plan: Plan,
  { identity }: Partial<Services>,
  log: Logger,
): Promise<void> {
  if (!identity || config.development) return
  for (const name of plan.contracts) {
    if (await identity.hasAdministrator(name)) continue
    const password = config.adminPasswords[name]
    const own = plan.topology === name
    const variable = own ? 'ADMIN_PASSWORD' : `${name.toUpperCase()}_ADMIN_PASSWORD`
    if (password !== undefined) {
      await createAdministrator(identity, contracts[name].terms, { username: 'admin', password })
      log.info({ contract: name }, `made the first administrator "admin" with ${variable}, which can be unset now`)
      continue
    }
    const advice =
      `The contract ${name} has no administrator. Set ${variable} for the first start, or make one with ` +
      `\`npm run guichet -- account create <name> --contract ${name} --role ${contracts[name].terms.policy.roles.administrator}\`.`
    if (own) throw new StartError(advice)
    log.warn(advice)
  }
}

async function createAdministrator(
  identity: Identity,
  terms: Terms,
  account: { username: string; password: string; email?: string },
): Promise<void> {
  const { roles } = terms.policy
  try {
    await identity.createAccount({ ...account, role: roles.administrator }, terms)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    // Another process of the same start was first, which is as good.
    if (error.code === 'identity.username_taken' && (await identity.hasAdministrator(terms.name))) return
    throw new StartError(
      `The first administrator "${account.username}" of ${terms.name} could not be made: ${error.code}.`,
      { cause: error },
    )
  }
}
