import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import { planOf } from '../config/topologies.ts'
import { contracts } from '../contracts/registry.ts'
import { DomainError, StartError } from '../platform/errors.ts'
import { silentLogger } from '../platform/log.ts'
import type { Identity } from '../services/identity/index.ts'
import { requireAdministrators } from './bootstrap.ts'

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
