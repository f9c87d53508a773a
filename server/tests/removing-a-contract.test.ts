import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { repository } from './support/processes.ts'

const run = promisify(execFile)
const removed = 'portal'
/** Tests of every service and of the listener; those of races and of caches would tell no more of this. */
const tested = ['sign-in', 'users', 'products', 'place-order', 'edge', 'health'].map((name) => `shop/${name}`)

/** The tree as it would be committed, in a folder of its own, with the packages of this one. */
async function copyOfTheTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-removal-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
  })
  for (const file of stdout.split('\0').filter(Boolean)) await cp(join(repository, file), join(folder, file))
  for (const packages of ['node_modules', 'server/node_modules']) {
    if (existsSync(join(repository, packages))) await symlink(join(repository, packages), join(folder, packages))
  }
  return folder
}

/** What CONTRIBUTING.md says of removing a contract. */
async function remove(name: string, folder: string): Promise<void> {
  const tests = join(folder, 'server', 'tests')
  const kinds = await readdir(tests, { withFileTypes: true })
  const ofTests = kinds.filter((kind) => kind.isDirectory()).map((kind) => join(tests, kind.name, name))
  for (const path of [join(folder, 'server', 'src', 'contracts', name), ...ofTests])
    await rm(path, { recursive: true, force: true })
  await rm(join(folder, 'docs', 'promises', `${name}.md`))
  const registry = join(folder, 'server', 'src', 'contracts', 'registry.ts')
  const lines = (await readFile(registry, 'utf8')).split('\n')
  const left = lines.filter((line) => !line.includes(`./${name}/`))
  expect(lines.length - left.length).toBe(1)
  await writeFile(registry, left.join('\n'))
}

test('without a contract, its tests and its line the rest type-checks, is clean, and serves the shop', {
  timeout: 300_000,
}, async () => {
  const folder = await copyOfTheTree()
  await remove(removed, folder)
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH: `${join(repository, 'node_modules', '.bin')}:${PATH}`, HOME, NO_COLOR: '1' }
  const passes = async (command: string, ...words: string[]) => {
    await run(command, words, { cwd: folder, env, maxBuffer: 2 ** 26 }).catch((error: object) => {
      const { stdout = '', stderr = '' } = { ...error } as { stdout?: string; stderr?: string }
      throw new Error(`${command} fails:\n${stdout}${stderr}`, { cause: error })
    })
  }
  // All end before the folder goes, whichever fails.
  const ended = await Promise.allSettled([
    passes('tsc', '--project', 'tsconfig.json'),
    passes('biome', 'check', '.'),
    passes('node', 'server/src/main.ts', 'openapi', '--check'),
    passes('vitest', 'run', '--config', 'server/vitest.config.ts', '--project', 'contract:shop', ...tested),
  ])
  expect(ended.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([])
})
