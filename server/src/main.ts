#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import closeWithGrace from 'close-with-grace'
import type { Print } from './commands/command.ts'
import { readCommandLine } from './commands/command-line.ts'
import { commands } from './commands/declarations/index.ts'
import { failureText } from './commands/failure.ts'
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

async function run(): Promise<void> {
  const asked = readCommandLine(process.argv.slice(2), commands)
  if (asked.kind === 'help') return print(asked.text)
  if (asked.kind === 'version') {
    const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
    return print(String(JSON.parse(manifest).version))
  }
  await asked.command.run?.(asked.given, print)
  const { serve: starts } = asked.command
  if (starts) await serve((announce, atOnce) => starts(asked.given, announce, atOnce))
}

run().catch((error: unknown) => {
  complain(failureText(error))
  process.exit(1)
})
