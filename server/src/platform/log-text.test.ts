import { expect, test } from 'vitest'
import { logText } from './log-text.ts'

const written = (fields: object) =>
  logText(`${JSON.stringify({ level: 30, time: '2026-01-02T03:04:05.678Z', unit: 'gateway', ...fields })}\n`, false)

test('a line has time, level, unit, message and what else is known', () => {
  const line = written({ instance: 'gateway-1', method: 'GET', path: '/x y', status: 200, tags: ['a'], msg: 'request' })
  expect(line).toMatch(/^\d\d:\d\d:05\.678 INFO {2}gateway request method=GET path="\/x y" status=200 tags=\["a"\]\n$/)
})

test('an instance of a name of its own is named', () => {
  expect(written({ instance: 'blue', msg: 'x' })).toContain(' gateway/blue x')
})

test('an error shows its stack below, indented, and what else it has', () => {
  const err = { type: 'Error', message: 'broken', stack: 'Error: broken\n    at here', code: 'ECONNRESET' }
  expect(written({ msg: 'failed', err })).toMatch(
    /failed\n {2}Error: broken\n {6}at here\n {2}\{"code":"ECONNRESET"\}\n$/,
  )
})

test('what a terminal would take for a command is shown instead', () => {
  const line = written({ msg: 'a\u001b[2Jb', path: '/\u009b2J', err: { stack: 'x\u0007' } })
  expect(line).toContain('a\\u001b[2Jb path="/\\u009b2J"\n  x\\u0007\n')
})

test('what is no line of the log stays as it is', () => {
  expect(logText('not JSON\n', true)).toBe('not JSON\n')
})
