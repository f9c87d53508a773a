import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { openEmbedded } from '../../src/platform/db/embedded/index.ts'
import { silentLogger } from '../../src/platform/log.ts'

/** A folder of a test's own, open to the user that root's PostgreSQL runs as. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'guichet-test-'))
  await chmod(folder, 0o755)
  return folder
}

/** A built-in server of a test's own; `remove` stops it and removes its data. */
export async function openScratchServer(...services: string[]) {
  const dataDir = await scratchFolder()
  const server = await openEmbedded({ dataDir, ownership: 'own', services, log: silentLogger() })
  return {
    dataDir,
    url: server.url,
    adminUrl: server.adminUrl,
    async remove() {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
