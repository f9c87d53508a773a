import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../../clock.ts'
import { messageOf, StartError } from '../../errors.ts'
import { newSecret } from '../../ids.ts'
import type { Logger } from '../../log.ts'
import { type Binaries, bringYourOwn } from './binaries.ts'
import { chooseUser, runAs } from './user.ts'

/** The files of one built-in server, all below `<data folder>/postgres`. */
export interface Cluster {
  readonly folder: string
  /** PostgreSQL's own data. */
  readonly cluster: string
  /** The superuser's URL of the last server that ran, for tools; mode 0600. */
  readonly url: string
  readonly log: string
  readonly password: string
  readonly binaries: Binaries
}

export const superuser = 'guichet'
const major = '18'
const abandonedAfterMs = 10 * 60_000

/** Finds the cluster of a data folder, making it on the first start ever. */
export async function ensureCluster(dataDir: string, binaries: Binaries, log: Logger): Promise<Cluster> {
  const folder = path.join(dataDir, 'postgres')
  await mkdir(dataDir, { recursive: true }).catch((error) => {
    throw new StartError(
      `The data folder ${dataDir} cannot be made: ${messageOf(error)}. Set GUICHET_DATA_DIR to a folder that can.`,
    )
  })
  await removeAbandoned(dataDir)
  if (!(await stat(folder).catch(() => undefined))) await create(dataDir, folder, binaries, log)
  const cluster = path.join(folder, 'cluster')
  const password = await readOwnFile(path.join(folder, 'password'), folder)
  await checkVersion(cluster)
  return { folder, cluster, url: path.join(folder, 'url'), log: path.join(folder, 'server.log'), password, binaries }
}

/** Made under another name and then renamed: a kill in the middle leaves nothing half made, and of two only one wins. */
async function create(dataDir: string, folder: string, binaries: Binaries, log: Logger): Promise<void> {
  const draft = path.join(dataDir, `postgres.new-${newSecret(6)}`)
  const cluster = path.join(draft, 'cluster')
  // Root's server runs as another user, who passes through this folder; the files in it are closed one by one.
  await mkdir(draft, { mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  try {
    await mkdir(cluster, { mode: 0o700 })
    const user = await chooseUser(binaries, cluster)
    const password = newSecret(32)
    await writeDurably(path.join(draft, 'password'), password)
    const forInitdb = path.join(draft, 'initdb-password')
    await writeDurably(forInitdb, password, user)
    const { code, output } = await runAs(user, binaries.initdb, [
      `--pgdata=${cluster}`,
      `--username=${superuser}`,
      `--pwfile=${forInitdb}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // PostgreSQL's own collation: an index stays right when the folder moves to another system.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--set=timezone=UTC',
      '--set=log_timezone=UTC',
      '--no-instructions',
    ])
    await rm(forInitdb, { force: true })
    if (code !== 0) {
      throw new StartError(
        `The built-in PostgreSQL could not set up its data in ${folder}: ${lastLines(output)}\n` +
          `Mend what it names (on Alpine and other systems without glibc it cannot run), or ${bringYourOwn}.`,
      )
    }
    await rename(draft, folder)
    log.info({ folder }, 'made the data of the built-in PostgreSQL')
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    // Another process came first: its folder is as good as ours.
    if (!(error instanceof StartError) && (await stat(folder).catch(() => undefined))) return
    if (error instanceof StartError) throw error
    throw new StartError(`The built-in PostgreSQL could not set up its data in ${folder}: ${messageOf(error)}.`)
  }
}

async function writeDurably(file: string, text: string, owner?: { uid: number; gid: number }): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    if (owner) await handle.chown(owner.uid, owner.gid)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeAbandoned(dataDir: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith('postgres.new-'))
  for (const name of names) {
    const draft = path.join(dataDir, name)
    const made = await stat(draft).catch(() => undefined)
    if (made && systemClock.now() - made.mtimeMs > abandonedAfterMs) {
      await rm(draft, { recursive: true, force: true })
    }
  }
}

async function readOwnFile(file: string, folder: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const closed = (error as NodeJS.ErrnoException).code === 'EACCES'
    throw new StartError(
      closed
        ? `${folder} belongs to another user of this system. Start guichet as that user, or set another GUICHET_DATA_DIR.`
        : `${folder} is not the folder of a built-in PostgreSQL (${messageOf(error)}). Move it away, or set another GUICHET_DATA_DIR.`,
    )
  }
}

async function checkVersion(cluster: string): Promise<void> {
  const version = await readFile(path.join(cluster, 'PG_VERSION'), 'utf8').catch((error) => {
    // Root's cluster is closed to an ordinary user, who was turned away at the password already.
    throw new StartError(
      `${cluster} holds no PostgreSQL data (${messageOf(error)}). Move its folder away, or set another GUICHET_DATA_DIR.`,
    )
  })
  if (version.trim() === major) return
  throw new StartError(
    `${cluster} was made by PostgreSQL ${version.trim()}, and this build brings ${major}. ` +
      'Start the build that made it, export the data with pg_dump, and load it into a new GUICHET_DATA_DIR.',
  )
}

/** The end of a program's output, as much as helps in a message. */
export const lastLines = (text: string): string => text.trim().split('\n').slice(-8).join('\n')
