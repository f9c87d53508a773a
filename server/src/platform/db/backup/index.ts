import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type Clock, systemClock } from '../../clock.ts'
import { messageOf, StartError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { copyDatabase } from './copy.ts'
import { dumpDatabase } from './dump.ts'
import { exportDatabase } from './export.ts'

export interface BackupOptions {
  /** The service's name. */
  name: string
  url: string
  /** The superuser's URL of the built-in server; without it the database lies on a server of somebody else. */
  adminUrl?: string
  dataDir: string
  /** What is about to be applied, as `migrate` hands it to `beforeChange`. */
  pending: readonly string[]
  log: Logger
  clock?: Clock
  /** The program that dumps; tests pass their own. */
  pgDump?: string
}

export interface Backup {
  how: 'copy' | 'pg_dump' | 'export'
  /** Name of the database that is the copy, or path of the file or folder. */
  place: string
}

/**
 * Keeps a database as it is before migrations change it: as a copy beside it (built-in server), with pg_dump, or
 * as our own export. Throws a `StartError` that names `--no-backup` when none of these works.
 */
export async function backupBefore(options: BackupOptions): Promise<Backup> {
  const { name, url, adminUrl, dataDir, pending, log, clock = systemClock, pgDump = 'pg_dump' } = options
  const id = /^\d+/.exec(pending[0] ?? '')?.[0] ?? 'change'
  const stamp = new Date(clock.now()).toISOString().replace(/\D/g, '').slice(0, 14)
  const keep = async (how: Backup['how'], made: Promise<string>): Promise<Backup> => {
    const place = await made
    log.info({ service: name, how, place }, 'kept the database as it is before it changes')
    return { how, place }
  }
  try {
    if (adminUrl) return await keep('copy', copyDatabase(adminUrl, databaseOf(url), id, stamp))
    const folder = path.join(path.resolve(dataDir), 'backups')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = path.join(folder, `${name}-before-${id}-${stamp}`)
    try {
      return await keep('pg_dump', dumpDatabase(url, `${file}.dump`, pgDump))
    } catch (error) {
      log.info({ service: name, reason: messageOf(error) }, 'pg_dump cannot be used; exporting the tables instead')
    }
    return await keep('export', exportDatabase(url, file))
  } catch (error) {
    throw new StartError(
      `The database of ${name} could not be kept before migration ${id} changes it: ${messageOf(error)}. ` +
        'Mend that, or keep a backup of your own and run `npm run guichet -- migrate --no-backup`.',
      { cause: error },
    )
  }
}

const databaseOf = (url: string) => decodeURIComponent(new URL(url).pathname.slice(1))
