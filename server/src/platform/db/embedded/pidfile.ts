import { execFile } from 'node:child_process'
import { link, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../clock.ts'
import { newSecret } from '../../ids.ts'

/** What a server writes about itself into its cluster folder (`postmaster.pid`). */
export interface PidFile {
  readonly pid: number
  readonly port: number
  readonly status: 'starting' | 'ready' | 'stopping'
  readonly text: string
}

const pathOf = (cluster: string) => path.join(cluster, 'postmaster.pid')

/** Reads the file; undefined when there is none or it is not written out yet. */
export async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  const text = await readFile(pathOf(cluster), 'utf8').catch(() => '')
  // Lines (miscadmin.h): pid, folder, start time, port, socket folder, address, shared memory, status.
  const lines = text.split('\n')
  const pid = Number(lines[0])
  const port = Number(lines[3])
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port) || port <= 0) return undefined
  const status = lines[7]?.trim()
  return { pid, port, text, status: status === 'ready' || status === 'stopping' ? status : 'starting' }
}

/** True when a process of that id runs (or we may not ask, which also means that it does). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** True when the process is the server of this very folder, and not one that got a dead server's id. */
export async function servesCluster(pid: number, cluster: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  // Windows does not tell where a process works; a false "yes" there costs a clear error after a wait.
  if (process.platform === 'win32') return true
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({
      stdout: '',
    }))
    return stdout.includes('postgres') && stdout.includes(cluster)
  }
  try {
    // The server works inside its folder; comparing the folders themselves also holds after one was moved or copied.
    const [theirs, ours] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(cluster)])
    return theirs.ino === ours.ino && theirs.dev === ours.dev
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    return isNamedInCommandLine(pid, cluster)
  }
}

/** For a container's root, which without CAP_SYS_PTRACE sees another user's command line but not its folder. */
async function isNamedInCommandLine(pid: number, cluster: string): Promise<boolean> {
  const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  const folder = args[args.indexOf('-D') + 1]
  if (!args[0]?.endsWith('postgres') || !args.includes('-D') || !folder) return false
  const [theirs, ours] = await Promise.all([folder, cluster].map((place) => realpath(place).catch(() => place)))
  return theirs === ours
}

/** Removes the file a dead server left, provided it still says what was judged: a new server's file is put back. */
export async function removeStalePidFile(cluster: string, judged: PidFile): Promise<void> {
  const aside = path.join(cluster, `postmaster.stale-${newSecret(6)}`)
  try {
    await rename(pathOf(cluster), aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readFile(aside, 'utf8')) !== judged.text) await link(aside, pathOf(cluster)).catch(() => undefined)
  await rm(aside, { force: true })
}

/** Removes a file without content, as a power cut leaves it, once it is too old for a server just writing it. */
export async function removeEmptyPidFile(cluster: string): Promise<void> {
  const found = await stat(pathOf(cluster)).catch(() => undefined)
  if (found?.size === 0 && systemClock.now() - found.mtimeMs > 3_000) await rm(pathOf(cluster), { force: true })
}
