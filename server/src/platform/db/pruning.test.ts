import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../log.ts'
import { type Database, sql } from './database.ts'
import { poll } from './poll.ts'
import { startPruning } from './pruning.ts'

const first = () => sql`DELETE FROM first`
const second = () => sql`DELETE FROM second`

/** Prunes two tables of so many rows each; the first may fail. There is one round, unless the next is said to come sooner. */
function pruning(rows: { first: number | 'fails'; second: number }, everyMs = 60_000) {
  const left: Record<string, number | 'fails'> = { ...rows }
  const asked: string[] = []
  const run: Database['run'] = async ({ text }) => {
    const table = text.split(' ').at(-1) ?? ''
    asked.push(table)
    const there = left[table]
    if (typeof there !== 'number') throw new Error('no such table')
    const gone = Math.min(there, 1_000)
    left[table] = there - gone
    return gone
  }
  const database = { name: 'pruned', run } as unknown as Database
  const job = startPruning({ database, statements: [first, second], everyMs, log: silentLogger() })
  onTestFinished(job.stop)
  return { left, asked, job }
}

const until = async (condition: () => boolean) =>
  expect(await poll(() => condition() || undefined, { withinMs: 5_000 }), String(condition)).toBe(true)

test.each([
  { rows: 0, statements: 1 },
  { rows: 999, statements: 1 },
  { rows: 1_000, statements: 2 },
  { rows: 2_500, statements: 3 },
  { rows: 19_999, statements: 20 },
  { rows: 20_001, statements: 20 },
])('of $rows rows a round removes what $statements statements can', async ({ rows, statements }) => {
  const { asked, left } = pruning({ first: rows, second: 0 })
  await until(() => asked.includes('second'))
  expect(asked).toEqual([...Array<string>(statements).fill('first'), 'second'])
  expect(left.first).toBe(Math.max(0, rows - 20_000))
})

test('a statement that fails keeps none of the others from their work, in any round', async () => {
  const { asked } = pruning({ first: 'fails', second: 0 }, 10)
  await until(() => asked.length >= 6)
  expect(asked.slice(0, 6)).toEqual(['first', 'second', 'first', 'second', 'first', 'second'])
})

test('what a round left goes in the next', async () => {
  const { left } = pruning({ first: 20_500, second: 0 }, 10)
  await until(() => left.first === 0)
})

test('a stop waits for the statement under way, and no other begins', async () => {
  const under = Promise.withResolvers<number>()
  let asked = 0
  const run = () => {
    asked += 1
    return under.promise
  }
  const database = { name: 'pruned', run } as unknown as Database
  const job = startPruning({ database, statements: [first, second], everyMs: 10, log: silentLogger() })
  let stopped = false
  const stopping = job.stop().then(() => {
    stopped = true
  })
  await Promise.resolve()
  expect(stopped).toBe(false)
  under.resolve(1_000)
  await stopping
  expect(asked).toBe(1)
})
