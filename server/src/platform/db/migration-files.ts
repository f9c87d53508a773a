import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { messageOf, StartError } from '../errors.ts'

export interface MigrationSource {
  /** What the URL of its database was set by, for messages. */
  variable?: string
  /** The service's name. */
  name: string
  /** Folder of `NNNN_name.sql`. */
  directory: string
}

export interface MigrationFile {
  readonly id: number
  /** File name without `.sql`. */
  readonly name: string
  readonly file: string
  readonly text: string
  readonly checksum: string
}

/** Reads a service's migrations in order; throws a `StartError` for names that leave the order open. */
export async function readMigrations({ name: service, directory }: MigrationSource): Promise<MigrationFile[]> {
  const names = await readdir(directory).catch((error) => {
    throw new StartError(`The migrations of ${service} cannot be read from ${directory}: ${messageOf(error)}.`)
  })
  const found = names.filter((name) => name.endsWith('.sql')).sort()
  const files = await Promise.all(found.map((name) => readMigration(path.join(directory, name))))
  files.sort((one, other) => one.id - other.id)
  files.forEach((file, index) => {
    const before = files[index - 1]
    if (before?.id === file.id) {
      throw new StartError(`${before.file} and ${file.file} have the same number. Give the newer one the next number.`)
    }
  })
  return files
}

async function readMigration(file: string): Promise<MigrationFile> {
  const name = path.basename(file, '.sql')
  const number = /^(\d{4,9})_[a-z0-9_]+$/.exec(name)?.[1]
  if (number === undefined) {
    throw new StartError(
      `${file} is not named like a migration: use four digits, "_" and a name, as 0001_accounts.sql.`,
    )
  }
  // A checkout on Windows may have other line ends; it is the same migration.
  const text = (await readFile(file, 'utf8')).replaceAll('\r\n', '\n')
  if (/^\s*(BEGIN|COMMIT|ROLLBACK|START\s+TRANSACTION)\s*;/im.test(text)) {
    throw new StartError(`${file} begins or ends a transaction. Remove that: every migration runs in one of its own.`)
  }
  return { id: Number(number), name, file, text, checksum: createHash('sha256').update(text).digest('hex') }
}

/** Writes the next numbered file with a comment on top and gives its path; throws a `StartError` for an empty title. */
export async function newMigration(source: MigrationSource, title: string): Promise<string> {
  const slug = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Mark}/gu, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 60)
  if (!slug) {
    throw new StartError('A migration needs a title with letters or digits: guichet migrate new "add order notes".')
  }
  await mkdir(source.directory, { recursive: true })
  const last = (await readMigrations(source)).at(-1)?.id ?? 0
  const file = path.join(source.directory, `${String(last + 1).padStart(4, '0')}_${slug}.sql`)
  const header = [
    `-- ${title.trim().replace(/\s+/g, ' ')}`,
    '--',
    '-- Runs once, in a transaction of its own, and is never edited after it was released. The build before this one',
    '-- still runs while it is applied: add first, and remove in a later release.',
  ]
  await writeFile(file, `${header.join('\n')}\n\n`, { flag: 'wx' })
  return file
}
