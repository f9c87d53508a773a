#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import closeWithGrace from 'close-with-grace'
import { readCommandLine } from './commands/command-line.ts'
import { commands } from './commands/declarations/index.ts'
import { failureText } from './commands/failure.ts'

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

async function run(): Promise<void> {
  const asked = readCommandLine(process.argv.slice(2), commands)
  if (asked.kind === 'help') return print(asked.text)
  if (asked.kind === 'version') {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
    return print(String(JSON.parse(manifest).version))
  }
  await asked.command.run?.(asked.given, print)
  if (asked.command.serve) await serve(asked.command.serve(asked.given, print))
}

run().catch((error: unknown) => {
  process.stderr.write(`${failureText(error)}\n`, () => process.exit(1))
})
