import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'
import { type Database, openDatabase } from '../../src/platform/db/database.ts'
import { silentLogger } from '../../src/platform/log.ts'
import type {} from './global-setup.ts'
import { type TemplateName, templates } from './template-databases.ts'

export interface FreshDatabase {
  /** The connection URL, once the file's tests run. */
  readonly url: string
  /** A pool on it, closed before it is dropped. */
  readonly database: Database
}

/**
 * A new database for the test file or describe block that calls it, dropped after its tests: call it while tests are
 * collected. With `service` it has that service's tables, `setup` is SQL to run in it.
 */
export function freshDatabase(name: string, options: { service?: TemplateName; setup?: string } = {}): FreshDatabase {
  const unique = `${name.replaceAll(/[^a-z0-9]+/g, '_')}_${randomBytes(4).toString('hex')}`
  const url = databaseUrl(unique)
  let database: Database | undefined

  beforeAll(async () => {
    await execute(
      databaseUrl(),
      `CREATE DATABASE "${unique}" ${options.service ? `TEMPLATE ${templates[options.service]}` : ''}`,
    )
    if (options.setup) await execute(url, options.setup)
    database = openDatabase({ name, url, log: silentLogger() })
  })
  afterAll(async () => {
    await database?.close()
    // Forced, so that a connection some test leaked fails that test's assertions and not this clean-up.
    await execute(databaseUrl(), `DROP DATABASE IF EXISTS "${unique}" WITH (FORCE)`)
  })

  return {
    url,
    get database() {
      if (!database) throw new Error('the test database exists only while tests run')
      return database
    },
  }
}

/** The URL of a database on the run's server; of the administrator's own without a name. */
export function databaseUrl(name?: string): string {
  const url = new URL(inject('postgresUrl'))
  if (name !== undefined) url.pathname = `/${name}`
  return url.href
}

/** Runs SQL, of several statements if need be, on a connection of its own. */
export async function execute(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
