import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contractNames } from '../src/contracts/registry.ts'
import { repository } from './support/processes.ts'

const folder = join(repository, 'docs', 'promises')
const inServer = (...path: string[]) => join(repository, 'server', ...path)

interface Promised {
  id: string
  met: string
  shown: string[]
}

/** A page, by what its head says of its lines, and by those. */
function readPage(file: string) {
  const text = readFileSync(join(folder, file), 'utf8')
  const [, letter = '', last = ''] = /^Ids: ([A-Z])-01 to \1-(\d+)\./m.exec(text) ?? []
  const untested = new Map(
    [...text.matchAll(/^- ((?:[A-Z]-\d{2}, )*[A-Z]-\d{2}): (.+)$/gm)].flatMap(([, ids = '', reason = '']) =>
      ids.split(', ').map((id) => [id, reason] as const),
    ),
  )
  const lines = [...text.matchAll(/^\| ([A-Z]-\d{2}) \| (.+?) \| (.+?) \|$/gm)].map(
    ([, id = '', met = '', shown = '']): Promised => ({
      id,
      met,
      shown: [...shown.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
    }),
  )
  const ids = Array.from({ length: Number(last) }, (_, index) => `${letter}-${String(index + 1).padStart(2, '0')}`)
  return { file, ids, untested, lines }
}

const pages = readdirSync(folder)
  .filter((file) => file !== 'README.md')
  .map(readPage)

/** The titles of a file's tests and of the groups around them, also of those with a table before. */
const titlesOf = (path: string): string =>
  [...readFileSync(inServer(path), 'utf8').matchAll(/(?:\b(?:test|describe)(?:\.\w+)*\(|\)\()\s*(['"`])(.*?)\1/gs)]
    .map(([, , title = '']) => title)
    .join('\n')

test('every contract has a page, and no letter two', () => {
  expect(pages.map(({ file }) => file).sort()).toEqual(contractNames.map((name) => `${name}.md`).sort())
  expect(new Set(pages.map(({ ids }) => ids[0])).size).toBe(pages.length)
})

describe.each(pages)('$file', ({ ids, untested, lines }) => {
  test('every id has exactly one line', () => {
    expect(ids.length).toBeGreaterThan(0)
    expect(lines.map(({ id }) => id)).toEqual(ids)
  })

  test('those without a test are those of its head, with the reason', () => {
    const bare = lines.filter(({ shown }) => shown.length === 0)
    expect(bare.map(({ id }) => id)).toEqual([...untested.keys()].sort())
    for (const { id, met } of bare) expect(met, id).toContain(untested.get(id))
  })

  test.each(lines)('$id names files that exist, and stands in a title of its contract tests', ({ id, met, shown }) => {
    for (const [, path = ''] of met.matchAll(/`([\w./-]+\.ts)`/g))
      expect(existsSync(inServer('src', path)), path).toBe(true)
    for (const path of shown) {
      expect(existsSync(inServer(path)), path).toBe(true)
      if (path.startsWith('tests/contract/')) expect(titlesOf(path), path).toContain(id)
    }
  })
})
