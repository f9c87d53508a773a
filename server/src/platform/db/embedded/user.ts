import { type SpawnOptions, spawn } from 'node:child_process'
import { lchown, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { messageOf, StartError } from '../../errors.ts'
import { type Binaries, bringYourOwn } from './binaries.ts'

/** The OS user PostgreSQL runs as when we are root, which it refuses to run as. */
export interface RunAs {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** `setpriv` lets that user search and read below folders that are closed to it, such as a 0700 home. */
  readonly through: 'spawn' | 'setpriv'
}

export interface Finished {
  readonly code: number | null
  /** Its stdout and stderr. */
  readonly output: string
}

/** Starts a program of PostgreSQL as the user it may run as; `undefined` is our own. */
export function spawnAs(runAs: RunAs | undefined, program: string, args: readonly string[], options: SpawnOptions) {
  // Our own working folder may be closed to that user, and initdb wants to know where it is.
  const base = { ...options, cwd: '/' }
  if (!runAs) return spawn(program, args, base)
  const { uid, gid } = runAs
  if (runAs.through === 'spawn') return spawn(program, args, { ...base, uid, gid })
  const rights = ['--clear-groups', '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']
  // Else access(2), by which initdb checks its own programs, leaves out the capability of a user that is not root.
  rights.push('--securebits=+no_setuid_fixup')
  return spawn('setpriv', [`--reuid=${uid}`, `--regid=${gid}`, ...rights, program, ...args], base)
}

/** Runs a program to its end, for 60 seconds at most; one that cannot be started gives code null and the reason. */
export async function runAs(user: RunAs | undefined, program: string, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawnAs(user, program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
    let output = ''
    const collect = (part: Buffer) => {
      output += part
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.on('error', (error) => resolve({ code: null, output: error.message }))
    child.on('close', (code) => resolve({ code, output: output.trim() }))
  })
}

/**
 * Says which user the server of the cluster folder runs as: ourselves, or, for root, the folder's owner, `postgres` or
 * `nobody`, to which the folder is then given. Throws a `StartError` when that user reaches the binaries or the data
 * in no way.
 */
export async function chooseUser(binaries: Binaries, cluster: string): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(cluster)
  const user = owner.uid === 0 ? await serviceUser() : { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  const failures: string[] = []
  try {
    if (owner.uid === 0) await give(cluster, user.uid, user.gid)
    for (const through of ['spawn', 'setpriv'] as const) {
      const candidate: RunAs = { ...user, through }
      const { code, output } = await runAs(candidate, '/bin/sh', ['-c', probe, 'probe', binaries.postgres, cluster])
      if (code === 0) return candidate
      failures.push(output)
    }
  } catch (error) {
    failures.push(messageOf(error))
  }
  throw new StartError(await closedMessage(user, binaries.postgres, cluster, failures[0] ?? ''))
}

// A real write: access(2) would judge without the capabilities that setpriv hands over.
const probe = '"$1" --version >/dev/null && : >"$2/.guichet-probe" && rm "$2/.guichet-probe"'

async function serviceUser(): Promise<{ name: string; uid: number; gid: number }> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(([user]) => user === name) ?? []
    if (uid && gid) return { name, uid: Number(uid), gid: Number(gid) }
  }
  throw new StartError(
    'PostgreSQL does not run as root, and this system has neither a user "postgres" nor "nobody" to run it as. ' +
      `Add one, start guichet as an ordinary user, or ${bringYourOwn}.`,
  )
}

async function give(folder: string, uid: number, gid: number): Promise<void> {
  // The folder itself last: its owner is what tells whether this was finished.
  for (const name of await readdir(folder, { recursive: true })) await lchown(path.join(folder, name), uid, gid)
  await lchown(folder, uid, gid)
}

async function closedMessage(user: Omit<RunAs, 'through'>, program: string, cluster: string, reason: string) {
  const closed = (await firstClosed(path.dirname(program), user)) ?? (await firstClosed(path.dirname(cluster), user))
  return (
    `PostgreSQL does not run as root, and the user it would run as (${user.name}) cannot use ${program} on ${cluster}` +
    `${closed ? ` because ${closed} is closed to it` : ''}: ${reason || 'no reason was given'}. ` +
    `${closed ? `Run "chmod o+x ${closed}"` : 'Open these paths to that user'}, start guichet as an ordinary user, ` +
    `or ${bringYourOwn}.`
  )
}

/** The outermost folder on the way that the user may not pass. */
async function firstClosed(folder: string, { uid, gid }: { uid: number; gid: number }): Promise<string | undefined> {
  const parent = path.dirname(folder)
  const above = parent === folder ? undefined : await firstClosed(parent, { uid, gid })
  if (above) return above
  const { mode, uid: owner, gid: group } = await stat(folder)
  const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001
  return (mode & bit) === 0 ? folder : undefined
}
