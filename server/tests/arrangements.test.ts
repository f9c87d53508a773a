import { globSync, readFileSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { expect, test } from 'vitest'
import { arrangements } from './support/arrangements.ts'

const folder = join(import.meta.dirname, 'contract')
const files = globSync('*/*.test.ts', { cwd: folder })
const runs = (name: string, file: string): boolean =>
  (arrangements[name as keyof typeof arrangements] ?? []).some((one) => matchesGlob(file, `${one}.test.ts`))

test('every contract test runs where all contracts are', () => {
  expect(files.length).toBeGreaterThan(50)
  expect(files.filter((file) => !runs('all', file))).toEqual([])
})

test('a test for one arrangement is in a file that runs in it', () => {
  const wanted = files.flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/arrangement\.name === '([\w-]+)'/g)].map(
      ([, name = '']) => ({
        file,
        name,
      }),
    ),
  )
  expect(wanted.length).toBeGreaterThan(5)
  expect(wanted.filter(({ name, file }) => !runs(name, file))).toEqual([])
})
