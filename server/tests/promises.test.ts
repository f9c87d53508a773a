import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { repository } from './support/processes.ts'

/** Ids that each served contract's checklist runs to. */
const checklists = { S: 69, C: 38, H: 89, T: 66, P: 71 } as const

/** Ids without a test, with the reason that stands in their line. */
const untested = new Map([
  ['S-08', 'no PowerShell'],
  ['S-14', 'Open'],
  ['S-62', 'Open'],
  ['C-26', 'Open'],
  // Containers.
  ...[41, 42, 71, 72, 73].map((number) => [`H-${number}`, 'Open'] as const),
  // The web page, and containers.
  ...[12, 13, 14, 15, 16, 17, 37, 38, 39, 40, 41, 42, 45, 46, 47, 48, 50, 57, 58, 59, 64, 66, 68, 69, 70, 71].map(
    (number) => [`P-${number}`, 'Open'] as const,
  ),
])

const text = readFileSync(join(repository, 'docs', 'promises.md'), 'utf8')
const lines = [...text.matchAll(/^\| ([A-Z]-\d{2}) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, id = '', met = '', shown = '']) => ({
    id,
    met,
    shown: [...shown.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  }),
)

test.each(Object.entries(checklists))('every id of %s has exactly one line', (letter, last) => {
  const expected = Array.from({ length: last }, (_, index) => `${letter}-${String(index + 1).padStart(2, '0')}`)
  expect(lines.filter(({ id }) => id.startsWith(letter)).map(({ id }) => id)).toEqual(expected)
})

describe.each(lines)('$id', ({ id, met, shown }) => {
  test('names files that exist', () => {
    const code = [...met.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file = '']) => join('server', 'src', file))
    for (const file of [...code, ...shown.map((one) => join('server', one))]) {
      expect(existsSync(join(repository, file)), file).toBe(true)
    }
  })

  test('is shown by a test, or says why not', () => {
    const reason = untested.get(id)
    if (reason === undefined) expect(shown).not.toEqual([])
    else expect(met).toContain(reason)
  })

  test('is named in the title of its contract test', () => {
    const contractTests = shown.filter((file) => file.startsWith('tests/contract/') && !/S-0[2]|S-4[789]/.test(id))
    const titles = contractTests.map((file) => readFileSync(join(repository, 'server', file), 'utf8'))
    if (titles.length > 0) expect(titles.join('\n')).toContain(id)
  })
})
