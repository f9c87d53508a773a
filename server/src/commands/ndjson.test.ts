import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Type from 'typebox'
import { afterAll, expect, test } from 'vitest'
import { problemsOf, readNdjson } from './ndjson.ts'

const folder = await mkdtemp(join(tmpdir(), 'guichet-ndjson-'))
const path = join(folder, 'lines.ndjson')
afterAll(() => rm(folder, { recursive: true, force: true }))

const schema = Type.Object({ name: Type.String() }, { additionalProperties: false })
const read = (mostLines = 10_000) => Array.fromAsync(readNdjson({ path, schema, mostLines }))

test('lines keep their numbers, whatever ends them, with blank ones and a byte order mark', async () => {
  await writeFile(path, '\ufeff{"name":"a"}\r\n\r\n  \n{"name":"b"}\n{"name":3}\nnull\n{"name":"last"}')
  expect(await read()).toEqual([
    { number: 1, value: { name: 'a' } },
    { number: 4, value: { name: 'b' } },
    { number: 5, problem: 'name must be string' },
    { number: 6, problem: 'it must be object' },
    { number: 7, value: { name: 'last' } },
  ])
})

test('characters that fall on the border of two chunks stay whole, and every byte is digested', async () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `${'é🦊'.repeat(index % 17)}${index}`)
  const text = names.map((name) => `${JSON.stringify({ name })}\n`).join('')
  await writeFile(path, text)
  const digest = createHash('sha256')
  const lines = await Array.fromAsync(readNdjson({ path, schema, mostLines: 5_000, digest }))
  expect(lines).toEqual(names.map((name, index) => ({ number: index + 1, value: { name } })))
  expect(digest.digest('hex')).toBe(createHash('sha256').update(text).digest('hex'))
})

test('a file of as many lines as may be is read, one more is refused', async () => {
  await writeFile(path, '{"name":"a"}\n'.repeat(3))
  expect(await read(3)).toHaveLength(3)
  await expect(read(2)).rejects.toThrow('has more than 2 lines: split it.')
})

test('problems are named by line, twenty at most, and all are counted', () => {
  const problems = problemsOf('some.ndjson')
  problems.refuse()
  for (let number = 25; number > 0; number -= 1) problems.report(number, 'is odd')
  expect(() => problems.refuse()).toThrow(/^Nothing was written\. some\.ndjson has 25 problems:\n {2}line 1: is odd\n/)
  expect(() => problems.refuse()).toThrow(/line 20: is odd\n {2}and 5 more$/)
  expect(() => problems.refuse()).not.toThrow('line 21')
})

test('of very many problems, reported in any order, the first ones are kept', () => {
  const problems = problemsOf('some.ndjson')
  for (let index = 0; index < 1_000; index += 1) problems.report(((index * 7) % 1_000) + 1, 'is odd')
  expect(() => problems.refuse()).toThrow(/has 1000 problems:\n {2}line 1: [\s\S]*line 20: is odd\n {2}and 980 more$/)
  const one = problemsOf('some.ndjson')
  one.report(3, 'is odd')
  expect(() => one.refuse()).toThrow(/has 1 problem:\n {2}line 3: is odd$/)
})

test('a key that is not known is named, with the one that was likely meant', async () => {
  await writeFile(path, '{"nmae":"a"}\n{"name":"a","address":"b"}\n')
  expect(await read()).toEqual([
    { number: 1, problem: '"nmae" is no field of a line. Did you mean "name"?' },
    { number: 2, problem: '"address" is no field of a line. Known: name.' },
  ])
})
