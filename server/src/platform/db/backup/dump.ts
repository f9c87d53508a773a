import { execFile } from 'node:child_process'
import { chmod, rename, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { withConnection } from '../connection.ts'

const run = promisify(execFile)
const dumpWithinMs = 60 * 60_000

/** Dumps a database with pg_dump (custom format, mode 0600) and gives the file; rejects when pg_dump cannot be used. */
export async function dumpDatabase(url: string, file: string, pgDump: string): Promise<string> {
  const { stdout } = await run(pgDump, ['--version'], { timeout: 10_000 })
  const major = Number(/(\d+)/.exec(stdout)?.[1])
  const server = await withConnection(url, 'backup', async (client) => {
    const { rows } = await client.query<{ version: string }>("SELECT current_setting('server_version_num') AS version")
    return Math.floor(Number(rows[0]?.version) / 10_000)
  })
  if (!(major >= server)) throw new Error(`pg_dump ${major} is older than the server, which is ${server}`)

  const draft = `${file}.partial`
  const passwordFile = `${file}.pgpass`
  const target = new URL(url)
  try {
    // Not in the arguments, where every user of the system reads it.
    if (target.password) {
      const password = decodeURIComponent(target.password).replace(/[\\:]/g, '\\$&')
      await writeFile(passwordFile, `*:*:*:*:${password}\n`, { mode: 0o600 })
      target.password = ''
      target.searchParams.set('passfile', passwordFile)
    }
    // In a query ours writes a space as a plus, which libpq takes for one.
    target.search = target.search.replaceAll('+', '%20')
    // Made by us first, so that it is closed to others from its first byte on.
    await writeFile(draft, '', { mode: 0o600 })
    const args = ['--format=custom', '--no-password', `--file=${draft}`, `--dbname=${target.href}`]
    await run(pgDump, args, { timeout: dumpWithinMs, maxBuffer: 16 * 1024 * 1024 })
    await chmod(draft, 0o600)
    await rename(draft, file)
    return file
  } finally {
    await Promise.all([passwordFile, draft].map((left) => rm(left, { force: true })))
  }
}
