import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { openEmbedded } from '../../src/platform/db/embedded/index.ts'
import { migrate } from '../../src/platform/db/migrate.ts'
import { createLogger } from '../../src/platform/log.ts'
import { templates } from './template-databases.ts'

// Vitest types what is provided by augmentation only.
declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's URL of the one server that all test files share. */
    postgresUrl: string
  }
}

/** Starts the server of the run; what it returns stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'guichet-tests-'))
  const removed = () => rm(dataDir, { recursive: true, force: true })
  try {
    const server = await openEmbedded({
      dataDir,
      ownership: 'own',
      services: [],
      log: createLogger({ logLevel: 'warn' }),
    })
    await forgoDurability(server.adminUrl)
    for (const [service, template] of Object.entries(templates)) await makeTemplate(server.adminUrl, service, template)
    project.provide('postgresUrl', server.adminUrl)
    return async () => {
      await server.stop()
      await removed()
    }
  } catch (error) {
    await removed()
    throw error
  }
}

/** Migrated once a run, by nobody but us: a copy for each file takes a tenth of the time. */
async function makeTemplate(adminUrl: string, service: string, template: string) {
  await query(adminUrl, `CREATE DATABASE ${template}`)
  const url = new URL(adminUrl)
  url.pathname = `/${template}`
  const directory = join(import.meta.dirname, '../../src/services', service, 'migrations')
  await migrate(url.href, { name: service, directory }, { log: createLogger({ logLevel: 'warn' }) })
}

/** The run's data are thrown away, so no commit has to reach a disk (`fsync` itself the server was started with). */
const forgoDurability = (url: string) =>
  query(
    url,
    'ALTER SYSTEM SET synchronous_commit = off',
    'ALTER SYSTEM SET full_page_writes = off',
    'SELECT pg_reload_conf()',
  )

async function query(url: string, ...statements: string[]) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}
