import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { openEmbedded } from '../../src/platform/db/embedded.ts'
import { createLogger } from '../../src/platform/log.ts'

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
    const server = await openEmbedded({ dataDir, ownership: 'own', services: [], log: createLogger('warn') })
    await forgoDurability(server.adminUrl)
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

/** The run's data are thrown away, so no commit has to reach a disk (`fsync` itself the server was started with). */
async function forgoDurability(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const setting of ['synchronous_commit', 'full_page_writes']) {
    await client.query(`ALTER SYSTEM SET ${setting} = off`)
  }
  await client.query('SELECT pg_reload_conf()')
  await client.end()
}
