import type { AccountAction } from '../account.ts'
import { type Command, command } from '../command.ts'
import { topology, whose } from './options.ts'

const name = { name: 'name', about: 'the username, or the e-mail address' } as const
const file = { name: 'file', about: 'a file with one JSON object a line' } as const
const passwordStdin = {
  about: 'ask for the password at a terminal, without showing it, or read the first line of stdin',
} as const
const dryRun = { about: 'check the file and write nothing' } as const

/** A command that does one thing with an account that is there. */
const action = (
  called: Exclude<AccountAction, 'create' | 'grant' | 'sessions' | 'set-password' | 'set-email'>,
  about: string,
): Command =>
  command({
    name: `account ${called}`,
    about,
    parameters: [name],
    options: whose,
    example: `account ${called} ada@example.org --tenant Acme`,
    async run({ name, ...options }, print) {
      const { account } = await import('../account.ts')
      await account(called, name, options, print)
    },
  })

/** Accounts, tenants, and what is taken over from elsewhere. */
export const accounts: readonly Command[] = [
  command({
    name: 'account create',
    about: 'make an account; its password is made too, and shown once',
    parameters: [name],
    options: {
      email: { value: '<address>', about: 'the e-mail address, where the name is none' },
      role: { value: '<role>', about: 'a role of the contract (default: a person’s)' },
      'password-stdin': passwordStdin,
      verified: { about: 'you vouch for the address: nothing is mailed' },
      ...whose,
      new: { about: 'the tenant is a new one: make it' },
    },
    example: 'account create operator --role admin',
    async run({ name, 'password-stdin': passwordStdin, new: newTenant, ...options }, print) {
      const { account } = await import('../account.ts')
      await account('create', name, { ...options, passwordStdin, newTenant }, print)
    },
  }),
  command({
    name: 'account grant',
    about: 'give an account a role',
    parameters: [name, { name: 'role', about: 'a role of the contract' }],
    options: whose,
    example: 'account grant ada admin',
    async run({ name, ...options }, print) {
      const { account } = await import('../account.ts')
      await account('grant', name, options, print)
    },
  }),
  action('unlock', 'forget the failed sign-ins that lock a name'),
  action('mfa-off', 'turn the second factor off, for somebody who lost the mailbox'),
  action('activate', 'let somebody sign in'),
  action('deactivate', 'let somebody sign in no more, and end the sessions'),
  command({
    name: 'account set-password',
    about: 'set a password and end every session; it is made too, and shown once',
    parameters: [name],
    options: { 'password-stdin': passwordStdin, ...whose },
    example: 'account set-password ada',
    async run({ name, 'password-stdin': passwordStdin, ...options }, print) {
      const { account } = await import('../account.ts')
      await account('set-password', name, { ...options, passwordStdin }, print)
    },
  }),
  command({
    name: 'account set-email',
    about: 'move an account to another address, for which you vouch',
    parameters: [name, { name: 'address', about: 'the new e-mail address' }],
    options: whose,
    example: 'account set-email ada ada@example.org',
    async run({ name, address, ...options }, print) {
      const { account } = await import('../account.ts')
      await account('set-email', name, { ...options, email: address }, print)
    },
  }),
  action('reset-link', 'mail a link to choose a password'),
  action('delete', 'delete an account, in every realm'),
  action('release-name', 'let the name of a deleted account be used again'),
  command({
    name: 'account sessions',
    about: 'list the live sessions, or end them all',
    parameters: [name],
    options: { end: { about: 'end them' }, ...whose },
    example: 'account sessions ada --end',
    async run({ name, ...options }, print) {
      const { account } = await import('../account.ts')
      await account('sessions', name, options, print)
    },
  }),
  command({
    name: 'tenant',
    about: 'tell how strict a tenant is, or change it',
    parameters: [{ name: 'name', about: 'the tenant' }],
    options: {
      'min-password-score': { value: '<0-4>', about: 'how hard to guess new passwords have to be (zxcvbn)' },
      approval: { value: '<on|off>', about: 'on: an administrator activates who joins', oneOf: ['on', 'off'] },
      new: { about: 'the tenant is a new one: make it' },
      topology,
    },
    example: 'tenant Acme --min-password-score 3 --approval on',
    async run({ name, 'min-password-score': minPasswordScore, new: newTenant, ...options }, print) {
      const { tenant } = await import('../tenant.ts')
      await tenant(name, { ...options, minPasswordScore, newTenant }, print)
    },
  }),
  command({
    name: 'import products',
    about: 'write the products of a file into the catalogue',
    parameters: [file],
    options: { 'dry-run': dryRun, topology },
    example: 'import products products.ndjson --dry-run',
    async run({ file, 'dry-run': dryRun, topology }, print) {
      const { importProducts } = await import('../import-products.ts')
      await importProducts(file, { dryRun, topology }, print)
    },
  }),
  command({
    name: 'import accounts',
    about: 'take over accounts with the password hashes of another system',
    parameters: [file],
    options: { 'dry-run': dryRun, contract: whose.contract },
    example: 'import accounts accounts.ndjson --dry-run',
    async run({ file, 'dry-run': dryRun, contract }, print) {
      const { importAccounts } = await import('../import-accounts.ts')
      await importAccounts(file, { dryRun, contract }, print)
    },
  }),
]
