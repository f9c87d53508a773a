import pg from 'pg'
import { loadConfig, readEnvironment } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { planOf } from '../config/topologies.ts'
import { withConnection } from '../platform/db/connection.ts'
import { messageOf, StartError } from '../platform/errors.ts'
import type { Print } from './command.ts'

/** Makes the databases that the URLs of a topology, a unit or roles name, where the server does not have them yet. */
export async function createDatabases(
  words: readonly string[],
  print: Print,
  environment: Environment = readEnvironment(),
): Promise<void> {
  const plan = planOf(words)
  // Only the URLs matter here: no service runs, so no secret is asked for.
  const env = { ...environment, GUICHET_DEV: 'true', NODE_ENV: undefined, PORT: undefined }
  const { databaseUrls } = loadConfig(env, plan)
  if (!databaseUrls) return print('No database URL is set: the embedded server makes its databases by itself.')
  const wanted = plan.services.map((service) => new URL(databaseUrls[service]))
  const distinct = new Map(wanted.map((url) => [`${url.host}${url.pathname}`, url]))
  for (const url of distinct.values()) {
    const name = decodeURIComponent(url.pathname.slice(1))
    if (name === '') throw new StartError(`The URL of the server at ${url.host} names no database.`)
    const made = await createMissing(url, name)
    print(`${name} at ${url.host}: ${made ? 'made' : 'is there already'}`)
  }
}

/** Connects to the `postgres` database of the same server; true when the wanted one was made. */
async function createMissing(url: URL, name: string): Promise<boolean> {
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  maintenance.searchParams.delete('options')
  try {
    return await withConnection(maintenance.href, 'create', async (client) => {
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
      if (rowCount) return false
      await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
      return true
    })
  } catch (error) {
    const code = codeOf(error)
    // Somebody else made it at the same moment: duplicate_database, or the unique index behind it.
    if (code === '42P04' || code === '23505') return false
    throw new StartError(
      `The database ${name} at ${url.host} could not be made: ${messageOf(error) || code}. ${advice[code] ?? 'Its URL must name a PostgreSQL server that runs and can be reached from here.'}`,
      { cause: error },
    )
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const advice: Readonly<Record<string, string>> = {
  '28P01': 'Correct the user and the password in its URL.',
  '28000': 'Correct the user and the password in its URL.',
  '42501': 'Let the user create databases (ALTER ROLE … CREATEDB), or have an administrator make it.',
  '3D000': 'The server has no database "postgres" to connect to first: have an administrator make the wanted one.',
}
