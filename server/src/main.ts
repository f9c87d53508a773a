#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { account } from './commands/account.ts'
import { usage } from './commands/command.ts'
import { database } from './commands/database.ts'
import { deadLetters } from './commands/dead-letters.ts'
import { importProducts } from './commands/import-products.ts'
import { migrate, newMigrationFor } from './commands/migrate.ts'
import { openapi } from './commands/openapi.ts'
import { seed } from './commands/seed.ts'
import { start } from './commands/start.ts'
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
  contract: { type: 'string', default: 'shop' },
  email: { type: 'string' },
  role: { type: 'string' },
  'password-stdin': { type: 'boolean' },
} as const

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options })
  } catch (error) {
    throw new StartError(`${messageOf(error)}\n\n${usage}`)
  }
}

async function run(): Promise<void> {
  const { values, positionals } = readArguments()
  const [command, ...words] = positionals
  const [first, second] = words
  if (values.version) {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
    return print(String(JSON.parse(manifest).version))
  }
  if (values.help || command === undefined) return print(usage)
  switch (command) {
    case 'start':
      return serve(start(words, print))
    case 'database':
      return serve(database(print))
    case 'migrate':
      if (first === 'new') return newMigrationFor(words.slice(1), print)
      return migrate({ backup: !values['no-backup'] }, print)
    case 'dead-letters':
      return deadLetters(words, print)
    case 'seed':
      return seed(print)
    case 'openapi':
      return openapi({ check: values.check === true }, print)
    case 'account': {
      const { contract, email, role } = values
      return account(words, { contract, email, role, passwordStdin: values['password-stdin'] === true }, print)
    }
    case 'import':
      if (first !== 'products' || second === undefined) throw new StartError(usage)
      return importProducts(second, { dryRun: values['dry-run'] === true }, print)
    default:
      throw new StartError(`There is no command "${command}".\n\n${usage}`)
  }
}

run().catch((error: unknown) => {
  // What people can mend is said plainly; anything else keeps its stack for whoever has to.
  const text = error instanceof StartError ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`${text}\n`, () => process.exit(1))
})
