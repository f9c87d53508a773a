import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../clock.ts'

/** What nobody wrote to for longer, in milliseconds, is not being written any more. */
export const abandonedAfterMs = 3_600_000

/** Removes the files of a folder that a killed process left behind. */
export async function removeAbandoned(directory: string, clock: Clock = systemClock): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    if (found && clock.now() - found.mtimeMs > abandonedAfterMs) await rm(path, { force: true })
  }
}
