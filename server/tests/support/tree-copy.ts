import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { preparedDataDir, preparedDataVariable } from './prepared-data.ts'
import { repository } from './processes.ts'

const run = promisify(execFile)

type Later = (clean: () => Promise<void>) => void

/**
 * The tree as it would be committed, in a folder of its own, with no package installed.
 * @param later told how to remove it
 */
export async function freshClone(later: Later): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-tree-'))
  later(() => rm(folder, { recursive: true, force: true }))
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
  })
  // What was removed and not yet committed is still listed.
  const files = stdout.split('\0').filter((file) => file !== '' && existsSync(join(repository, file)))
  for (const file of files) await cp(join(repository, file), join(folder, file))
  return folder
}

/** A copy of the tree, for tests that change it. Vitest runs in it once: it takes the prepared data along. */
export interface TreeCopy {
  folder: string
  /** What its commands are run with. */
  env: Readonly<Record<string, string>>
  /** Runs a command in it and gives its output; throws with all that it said when it fails. */
  run(command: string, ...words: string[]): Promise<string>
}

/** A fresh clone with the packages of this tree. */
export async function copyOfTheTree(later: Later): Promise<TreeCopy> {
  const folder = await freshClone(later)
  for (const packages of ['node_modules', 'server/node_modules']) {
    if (existsSync(join(repository, packages))) await symlink(join(repository, packages), join(folder, packages))
  }
  // For the tests that are run in the copy, which remove theirs.
  const prepared = await preparedDataDir('guichet-tree-data')
  later(() => rm(prepared, { recursive: true, force: true }))
  const { PATH = '', HOME = '' } = process.env
  const bin = join(repository, 'node_modules', '.bin')
  const env = {
    PATH: `${bin}:${PATH}`,
    HOME,
    NO_COLOR: '1',
    [preparedDataVariable]: prepared,
    // Goes with the copy; the tree's own cache would keep what it compiled for ever.
    NODE_COMPILE_CACHE: join(folder, '.cache', 'compile'),
  }
  return {
    folder,
    env,
    async run(command, ...words) {
      const ended = run(command, words, { cwd: folder, env, maxBuffer: 2 ** 26 })
      const { stdout } = await ended.catch((error: object) => {
        const { stdout = '', stderr = '' } = { ...error } as { stdout?: string; stderr?: string }
        throw new Error(`${command} ${words.join(' ')} fails:\n${stdout}${stderr}`, { cause: error })
      })
      return stdout
    },
  }
}

/** Waits until all have ended, since what still runs needs the copy, and gives what each that failed says. */
export async function failuresOf(checks: readonly Promise<unknown>[]): Promise<string[]> {
  const ended = await Promise.allSettled(checks)
  return ended.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
}
