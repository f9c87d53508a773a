#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { type Print, usage } from './commands/command.ts'
import { messageOf, StartError } from './platform/errors.ts'
import { openOutput } from './platform/output.ts'

/** Milliseconds from a signal to the end of the process, whatever still hangs. */
const stopDeadlineMs = 9_500

const print = (text: string) => void process.stdout.write(`${text}\n`)

/**
 * Runs until a signal; requests under way are finished first. Exit code 0 after a clean stop, 1 after an error. A second signal, of
 * whichever kind, ends everything at once with 1, and so does a stop that takes too long.
 */
async function serve(
  start: (announce: Print, atOnce: AbortSignal) => Promise<{ stop(): Promise<void> }>,
): Promise<void> {
  const announcements = openOutput(1)
  const announce = (text: string) => announcements.write(`${text}\n`)
  const atOnce = new AbortController()
  const abandon = () => atOnce.abort()
  const starting = start(announce, atOnce.signal)
  const hooks = { onSecondSignal: abandon, onSecondError: abandon, onTimeout: abandon }
  closeWithGrace({ delay: stopDeadlineMs, logger: false, ...hooks }, async ({ err, signal }) => {
    if (err) complain(`Stopped by an error nobody handled: ${err.stack ?? err.message}`)
    announce(
      `${signal ? `${signal}: ` : ''}Guichet stops. It waits up to ${stopDeadlineMs / 1_000} seconds for requests and jobs under way ` +
        'and for its database; another signal ends it at once.',
    )
    const running = await starting.catch(() => undefined)
    await running?.stop()
  })
  await starting
}

const complain = (text: string) => openOutput(2).write(`${text}\n`)

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

/** Each loads what it needs when it is called: an answer like `--version` waits for none of them. */
const commands: Readonly<Record<string, (words: readonly string[], values: Values) => Promise<void>>> = {
  async start(words) {
    const { start } = await import('./commands/start.ts')
    await serve((announce, atOnce) => start(words, announce, atOnce))
  },
  async database([action], { topology }) {
    if (action === 'create') {
      const { createDatabases } = await import('./commands/create-databases.ts')
      return createDatabases([topology], print)
    }
    const { database } = await import('./commands/database.ts')
    await serve(database)
  },
  async migrate([action, ...words], { topology, 'no-backup': noBackup }) {
    const { migrate, newMigrationFor } = await import('./commands/migrate.ts')
    if (action === 'new') return newMigrationFor(words, print)
    await migrate({ backup: !noBackup, topology }, print)
  },
  async 'dead-letters'(words, { topology }) {
    const { deadLetters } = await import('./commands/dead-letters.ts')
    await deadLetters(words, { topology }, print)
  },
  async seed(_, { topology }) {
    const { seed } = await import('./commands/seed.ts')
    await seed({ topology }, print)
  },
  async openapi(_, { check = false }) {
    const { openapi } = await import('./commands/openapi.ts')
    await openapi({ check }, print)
  },
  async account(words, values) {
    const { account } = await import('./commands/account.ts')
    await account(words, accountOptions(values), print)
  },
  async tenant(words, { 'min-password-score': minPasswordScore, approval, topology }) {
    const { tenant } = await import('./commands/tenant.ts')
    await tenant(words, { minPasswordScore, approval, topology }, print)
  },
  async keys(words, { now = false, topology }) {
    const { keys } = await import('./commands/keys.ts')
    await keys(words, { now, topology }, print)
  },
  async import([what, file], { 'dry-run': dryRun = false, contract, topology }) {
    if (file !== undefined && what === 'products') {
      const { importProducts } = await import('./commands/import-products.ts')
      return importProducts(file, { dryRun, topology }, print)
    }
    if (file !== undefined && what === 'accounts') {
      const { importAccounts } = await import('./commands/import-accounts.ts')
      return importAccounts(file, { dryRun, contract }, print)
    }
    throw new StartError(usage)
  },
}

async function run(): Promise<void> {
  const { values, positionals } = readArguments()
  const [name, ...words] = positionals
  if (values.version) {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
    return print(String(JSON.parse(manifest).version))
  }
  if (values.help || name === undefined) return print(usage)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw new StartError(`There is no command "${name}".\n\n${usage}`)
  await command(words, values)
}

run().catch((error: unknown) => {
  // What people can mend is said plainly; anything else keeps its stack for whoever has to.
  const text = error instanceof StartError ? error.message : error instanceof Error ? error.stack : String(error)
  complain(String(text))
  process.exit(1)
})
