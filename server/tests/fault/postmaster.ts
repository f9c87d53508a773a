import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { eventually } from './calls.ts'

/** The process id of the embedded PostgreSQL of a data folder. */
export async function postmasterOf(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8')
  return Number(text.split('\n', 1)[0])
}

/** True while a process of that id runs; one that only waits to be collected by its parent does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return status !== undefined && !/^\d+ \(.*\) Z/.test(status)
}

/** Removes a test's data folder, and ends the PostgreSQL that a failed or killed owner left in it. */
export async function removeDataDir(dataDir: string): Promise<void> {
  const pid = await postmasterOf(dataDir).catch(() => undefined)
  if (pid !== undefined && (await isAlive(pid))) {
    // Immediate shutdown: nothing of it is kept.
    process.kill(pid, 'SIGQUIT')
    await eventually(10_000, async () => expect(await isAlive(pid)).toBe(false))
  }
  await rm(dataDir, { recursive: true, force: true })
}
