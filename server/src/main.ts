#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { account } from './commands/account.ts'
import { usage } from './commands/command.ts'
import { createDatabases } from './commands/create-databases.ts'
import { database } from './commands/database.ts'
import { deadLetters } from './commands/dead-letters.ts'
import { importAccounts } from './commands/import-accounts.ts'
import { importProducts } from './commands/import-products.ts'
import { keys } from './commands/keys.ts'
import { migrate, newMigrationFor } from './commands/migrate.ts'
import { openapi } from './commands/openapi.ts'
import { seed } from './commands/seed.ts'
import { start } from './commands/start.ts'
import { tenant } from './commands/tenant.ts'
import { messageOf, StartError } from './platform/errors.ts'

/** Milliseconds from a signal to the end of the process, whatever still hangs. */
const stopDeadlineMs = 9_500

const print = (text: string) => void process.stdout.write(`${text}\n`)

/** Runs until a signal; requests under way are finished first. Exit code 0 after a clean stop, 1 after an error. */
async function serve(starting: Promise<{ stop(): Promise<void> }>): Promise<void> {
  closeWithGrace({ delay: stopDeadlineMs, logger: false }, async ({ err }) => {
    if (err) process.stderr.write(`Stopped by an error nobody handled: ${err.stack ?? err.message}\n`)
    const running = await starting.catch(() => undefined)
    await running?.stop()
  })
  await starting
}

const options = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
  'no-backup': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  check: { type: 'boolean' },
  contract: { type: 'string' },
  topology: { type: 'string', default: 'all' },
  email: { type: 'string' },
  role: { type: 'string' },
  'password-stdin': { type: 'boolean' },
  tenant: { type: 'string' },
  verified: { type: 'boolean' },
  end: { type: 'boolean' },
  now: { type: 'boolean' },
  'min-password-score': { type: 'string' },
  approval: { type: 'string' },
} as const

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options })
  } catch (error) {
    throw new StartError(`${messageOf(error)}\n\n${usage}`)
  }
}

type Values = ReturnType<typeof readArguments>['values']

const accountOptions = ({ contract, tenant, email, role, verified, end, 'password-stdin': stdin }: Values) => ({
  contract,
  tenant,
  email,
  role,
  verified: verified === true,
  end: end === true,
  passwordStdin: stdin === true,
})

async function run(): Promise<void> {
  const { values, positionals } = readArguments()
  const [command, ...words] = positionals
  const [first, second] = words
  const { topology } = values
  if (values.version) {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
    return print(String(JSON.parse(manifest).version))
  }
  if (values.help || command === undefined) return print(usage)
  switch (command) {
    case 'start':
      return serve(start(words, print))
    case 'database':
      if (first === 'create') return createDatabases([topology], print)
      return serve(database(print))
    case 'migrate':
      if (first === 'new') return newMigrationFor(words.slice(1), print)
      return migrate({ backup: !values['no-backup'], topology }, print)
    case 'dead-letters':
      return deadLetters(words, { topology }, print)
    case 'seed':
      return seed({ topology }, print)
    case 'openapi':
      return openapi({ check: values.check === true }, print)
    case 'account':
      return account(words, accountOptions(values), print)
    case 'tenant': {
      const { 'min-password-score': minPasswordScore, approval } = values
      return tenant(words, { minPasswordScore, approval, topology }, print)
    }
    case 'keys':
      return keys(words, { now: values.now === true, topology }, print)
    case 'import': {
      const { 'dry-run': dryRun = false, contract } = values
      if (second !== undefined && first === 'products') return importProducts(second, { dryRun, topology }, print)
      if (second !== undefined && first === 'accounts') return importAccounts(second, { dryRun, contract }, print)
      throw new StartError(usage)
    }
    default:
      throw new StartError(`There is no command "${command}".\n\n${usage}`)
  }
}

run().catch((error: unknown) => {
  // What people can mend is said plainly; anything else keeps its stack for whoever has to.
  const text = error instanceof StartError ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`${text}\n`, () => process.exit(1))
})
