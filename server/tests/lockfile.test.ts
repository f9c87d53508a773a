import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { repository } from './support/processes.ts'

type Manifest = Record<string, Record<string, string>>

/** What `npm ci` would do in a fresh clone whose manifest was changed so: "installs", or why not. */
async function installing(change?: (manifest: Manifest) => void, at = 'server/package.json'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-install-'))
  try {
    await mkdir(join(folder, 'server'))
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'server/package.json']) {
      await cp(join(repository, file), join(folder, file))
    }
    const manifest = JSON.parse(await readFile(join(folder, at), 'utf8')) as Manifest
    change?.(manifest)
    await writeFile(join(folder, at), JSON.stringify(manifest))
    // With nobody to ask and nothing kept, all that is left is the lock file.
    const words = ['ci', '--dry-run', '--offline', '--cache', join(folder, 'cache'), '--no-audit', '--no-fund']
    return await promisify(execFile)('npm', words, { cwd: folder }).then(
      () => 'installs',
      ({ stderr }: { stderr: string }) => stderr,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('S-18 a fresh clone installs from the lock file alone', { timeout: 120_000 }, async () => {
  expect(await installing()).toBe('installs')
})

test.each<[string, string, string, string]>([
  ['a package that it does not hold', 'server/package.json', 'dependencies', 'left-out'],
  ['another version than it holds', 'server/package.json', 'dependencies', 'fastify'],
  ['a tool that it does not hold', 'package.json', 'devDependencies', 'left-out'],
])('S-18 and would not, if a manifest asked for %s', { timeout: 120_000 }, async (_, at, kind, name) => {
  const change = (manifest: Manifest) => Object.assign(manifest[kind]!, { [name]: '^1.0.0' })
  expect(await installing(change, at)).toMatch(new RegExp(`ENOTCACHED[^]*/${name} failed`))
})
