import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import { planOf } from '../config/topologies.ts'
import type { Contract } from '../contracts/_kit/contract.ts'
import type { DemoAccount } from '../contracts/_kit/deployment.ts'
import type { Services } from '../contracts/_kit/services.ts'
import { contracts } from '../contracts/registry.ts'
import { DomainError, StartError } from '../platform/errors.ts'
import { type Logger, silentLogger } from '../platform/log.ts'
import type { Identity } from '../services/identity/index.ts'
import type { RequestContext } from '../services/realm/index.ts'
import { requireAdministrators, seedDemo } from './bootstrap.ts'

/** A start of the shop whose variable is set, or not, while identity says at each question whether there is an administrator. */
async function start(options: { there: boolean[]; making?: unknown; password?: string; development?: boolean }) {
  const { there, making, password, development = false } = options
  const made: unknown[] = []
  const identity = {
    hasAdministrator: async () => there.shift(),
    async createAccount(account: unknown) {
      made.push(account)
      if (making !== undefined) throw making
    },
  } as unknown as Identity
  const config = { development, adminPasswords: password === undefined ? {} : { shop: password } } as unknown as Config
  const outcome = await requireAdministrators(config, planOf(['shop']), [contracts.shop], { identity }, silentLogger())
    .then(() => 'starts')
    .catch((error: unknown) => (error instanceof StartError ? 'refused' : error))
  return { outcome, made: made.length, asked: there.length === 0 }
}

const taken = new DomainError('identity.username_taken')
const weak = new DomainError('identity.weak_password')
const broken = new Error('broken')
const password = 'a password'

test.each<[string, Parameters<typeof start>[0], { outcome: unknown; made: number }]>([
  ['in development nobody is made', { there: [], password, development: true }, { outcome: 'starts', made: 0 }],
  ['one that is there is enough', { there: [true], password }, { outcome: 'starts', made: 0 }],
  ['without one and without a password', { there: [false] }, { outcome: 'refused', made: 0 }],
  ['with a password one is made', { there: [false], password }, { outcome: 'starts', made: 1 }],
  ['another process was first', { there: [false, true], making: taken, password }, { outcome: 'starts', made: 1 }],
  ['the name is an ordinary one', { there: [false, false], making: taken, password }, { outcome: 'refused', made: 1 }],
  ['the password does not do', { there: [false], making: weak, password }, { outcome: 'refused', made: 1 }],
  ['what is no refusal goes on', { there: [false], making: broken, password }, { outcome: broken, made: 1 }],
])('outside development: %s', async (_what, given, expected) => {
  expect(await start(given)).toEqual({ ...expected, asked: true })
})

test.each([
  ['by itself', 'shop', 'Set ADMIN_PASSWORD for'],
  ['beside others', 'all', 'Set SHOP_ADMIN_PASSWORD for'],
])(
  'who has no administrator is told of the variable that this start reads: the shop %s',
  async (_how, topology, advice) => {
    const said: string[] = []
    const log = { ...silentLogger(), warn: (text: string) => said.push(text) } as unknown as Logger
    const identity = { hasAdministrator: async () => false } as unknown as Identity
    const config = { development: false, adminPasswords: {} } as unknown as Config
    await requireAdministrators(config, planOf([topology]), [contracts.shop], { identity }, log).catch(
      (error: Error) => {
        said.push(error.message)
      },
    )
    expect(said).toEqual([expect.stringContaining(advice)])
  },
)

const always: DemoAccount = { email: 'a@b', password: 'short', role: 'admin', made: 'at every start', announced: true }
const asked: DemoAccount = { email: 'c@d', username: 'carol', password: 'p', secondFactor: true, made: 'by seed' }
const products = [{ id: 1, name: 'Lamp', priceCents: 1, stock: 1 }]
const demo = (name: string, made: object) =>
  ({ ...contracts.shop, realm: { ...contracts.shop.realm, name }, deployment: { units: [], ...made } }) as Contract
const demos = [demo('one', { demo: { accounts: [always, asked], products } }), demo('none', {})]

/** Seeds the demo into services that say what they are told; accounts may be refused. */
async function seeded(made: DemoAccount['made'], has: 'both' | 'identity' | 'orders', refusal?: Error) {
  const told: unknown[] = []
  const identity = {
    async createAccount(account: object, { realm }: RequestContext) {
      told.push({ ...account, realm: realm.name, minLength: realm.policy.password.minLength })
      if (refusal) throw refusal
    },
  } as unknown as Services['identity']
  const orders = {
    fillEmptyCatalogue: async (filled: unknown) => void told.push(filled),
  } as unknown as Services['orders']
  const there = { ...(has !== 'orders' && { identity }), ...(has !== 'identity' && { orders }) }
  const failed = await seedDemo({ contracts: demos, made }, there).catch((error: unknown) => error)
  return { told, failed }
}

const exempt = { quietly: true, realm: 'one', minLength: 1 }
const first = { email: 'a@b', username: 'a@b', password: 'short', role: 'admin', ...exempt }
const second = { email: 'c@d', username: 'carol', password: 'p', secondFactor: true, ...exempt }
test.each<[string, Parameters<typeof seeded>, unknown[], unknown]>([
  ['a start makes its own accounts', ['at every start', 'both'], [first, products], undefined],
  ['a seed makes all', ['by seed', 'both'], [first, second, products], undefined],
  ['those that are there stay', ['by seed', 'both', taken], [first, second, products], undefined],
  ['another refusal is told', ['by seed', 'both', weak], [first], weak],
  ['without orders there are no products', ['at every start', 'identity'], [first], undefined],
  ['without identity there are no accounts', ['by seed', 'orders'], [products], undefined],
])('the demo: %s', async (_what, given, told, failed) => {
  expect(await seeded(...given)).toEqual({ told, failed })
})
