import { expect, test } from 'vitest'
import { SqlPart, sql } from './database.ts'

test('values become parameters, and only parts of ours become text', () => {
  const order = (by: SqlPart, name: unknown) => sql`SELECT 1 WHERE a = ${name} ORDER BY ${by} LIMIT ${2}`
  const up = order(new SqlPart('a ASC'), 'x')
  expect(up).toMatchObject({ text: 'SELECT 1 WHERE a = $1 ORDER BY a ASC LIMIT $2', values: ['x', 2] })
  const down = order(new SqlPart('a DESC'), 'y')
  expect(down).toMatchObject({ text: 'SELECT 1 WHERE a = $1 ORDER BY a DESC LIMIT $2', values: ['y', 2] })
  expect(down.name).not.toBe(up.name)
  expect(order(new SqlPart('a ASC'), 'z').name).toBe(up.name)
  // What looks like a part and came from outside is a value.
  const sent = { text: '1; DROP TABLE a' }
  expect(order(new SqlPart('a ASC'), sent)).toMatchObject({ text: up.text, values: [sent, 2] })
})
