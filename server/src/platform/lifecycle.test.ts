import { expect, test, vi } from 'vitest'
import { createLifecycle } from './lifecycle.ts'
import type { Logger } from './log.ts'

/** A lifecycle, what it has stopped, and what it has logged. */
function begun() {
  const error = vi.fn()
  const info = vi.fn()
  const life = createLifecycle({ error, info } as unknown as Logger)
  const stopped: string[] = []
  const start = (name: string, stop: () => Promise<void> = async () => undefined) =>
    life.onStop(name, () => {
      stopped.push(name)
      return stop()
    })
  return { life, start, stopped, error, info }
}

test('a part that takes its time is named', async () => {
  const { life, start, info } = begun()
  const slow = Promise.withResolvers<void>()
  start('quick')
  start('slow', () => slow.promise)
  const stop = life.stop()
  await vi.waitFor(() => expect(info).toHaveBeenCalledOnce(), 5_000)
  slow.resolve()
  await stop
  expect(info.mock.calls).toEqual([[{ name: 'slow' }, 'waiting for a part to stop']])
})

test('what was started last is stopped first, one after the other', async () => {
  const { life, start, stopped } = begun()
  const slow = Promise.withResolvers<void>()
  start('database')
  start('slow', () => slow.promise)
  start('listener')
  const stop = life.stop()
  await vi.waitFor(() => expect(stopped).toEqual(['listener', 'slow']))
  slow.resolve()
  await stop
  expect(stopped).toEqual(['listener', 'slow', 'database'])
})

test.each([
  ['an error', async () => Promise.reject(new Error('it broke'))],
  ['something else', async () => Promise.reject('it broke')],
  [
    'at once',
    () => {
      throw new Error('it broke')
    },
  ],
])('a part that fails to stop with %s is logged by name and skips nobody, twice neither', async (_, fail) => {
  const { life, start, stopped, error } = begun()
  for (const [name, stop] of Object.entries({
    first: undefined,
    bad: fail,
    second: undefined,
    worse: fail,
    last: undefined,
  })) {
    start(name, stop)
  }
  await life.stop()
  expect(stopped).toEqual(['last', 'worse', 'second', 'bad', 'first'])
  expect(error.mock.calls).toEqual([
    [{ name: 'worse', reason: 'it broke' }, 'a part did not stop cleanly'],
    [{ name: 'bad', reason: 'it broke' }, 'a part did not stop cleanly'],
  ])
})

test('to stop again stops nothing twice, also while a stop is under way', async () => {
  const { life, start, stopped } = begun()
  const slow = Promise.withResolvers<void>()
  start('database')
  start('slow', () => slow.promise)
  const both = [life.stop(), life.stop()]
  await new Promise(setImmediate)
  expect(stopped).toEqual(['slow'])
  slow.resolve()
  await Promise.all(both)
  await life.stop()
  expect(stopped).toEqual(['slow', 'database'])
})

test('a part that starts while the others stop is stopped too', async () => {
  const { life, start, stopped } = begun()
  start('first')
  start('second', async () => start('late'))
  await life.stop()
  expect(stopped).toEqual(['second', 'late', 'first'])
})

test('what started after a stop is stopped by the next', async () => {
  const { life, start, stopped } = begun()
  await life.stop()
  start('late')
  await life.stop()
  expect(stopped).toEqual(['late'])
})

test('without parts there is nothing to stop', async () => {
  const { life, error } = begun()
  await life.stop()
  expect(error).not.toHaveBeenCalled()
})
