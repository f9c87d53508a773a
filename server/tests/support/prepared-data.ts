import { execFile } from 'node:child_process'
import { access, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runCommand, testEnvironment } from './processes.ts'

/** What the run's configuration says in the environment of all its processes: where the folder that the others are copied from is. */
export const preparedDataVariable = 'PREPARED_DATA_DIR'

/**
 * A new data folder as `guichet migrate` leaves it: PostgreSQL and the tables are there, and nothing was ever started on it. The
 * caller removes it. Making one takes longer than most tests, so a run makes one, when it is first asked for, and copies it;
 * only a test of the very first start begins with an empty folder.
 */
export async function preparedDataDir(name: string): Promise<string> {
  const prepared = process.env[preparedDataVariable]
  if (!prepared) throw new Error(`${preparedDataVariable} is not set: run the tests with server/vitest.config.ts`)
  if (!(await exists(prepared))) await prepare(prepared)
  const dataDir = await mkdtemp(join(tmpdir(), `${name}-`))
  // Unlike that of Node, this copy keeps the owner: where root runs the tests, PostgreSQL's files belong to another user.
  await promisify(execFile)('cp', ['-Rp', `${prepared}/.`, dataDir])
  return dataDir
}

/** Made under another name and then renamed: nobody copies half a folder, and of two that make it at once one wins. */
async function prepare(prepared: string): Promise<void> {
  const draft = await mkdtemp(`${prepared}-`)
  const { code, stderr } = await runCommand(['migrate'], { ...testEnvironment, GUICHET_DATA_DIR: draft })
  if (code !== 0) throw new Error(`no data folder could be prepared: ${stderr}`)
  // The server of a copy is somewhere else.
  for (const file of ['url', 'server.log']) await rm(join(draft, 'postgres', file))
  await rename(draft, prepared).catch(async (error) => {
    await rm(draft, { recursive: true, force: true })
    if (!(await exists(prepared))) throw error
  })
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
