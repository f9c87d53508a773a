import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { copyOfTheTree, failuresOf } from './support/tree-copy.ts'

const removed = 'portal'

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

test('without a contract, its tests and its line the rest type-checks, is clean, and passes every contract test of the shop', {
  timeout: 300_000,
}, async () => {
  const { folder, run } = await copyOfTheTree(onTestFinished)
  await remove(removed, folder)
  const failures = await failuresOf([
    run('tsc', '--project', 'tsconfig.json'),
    run('biome', 'check', '.'),
    run('node', 'server/src/main.ts', 'openapi', '--check'),
    run('vitest', 'run', '--config', 'server/vitest.config.ts', '--project', 'contract:all', 'contract/shop/'),
  ])
  expect(failures).toEqual([])
})
