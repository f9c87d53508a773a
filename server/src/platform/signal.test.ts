import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { backoffMs, createSignal, pause, repeat } from './signal.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Waits a second, and says whether the wait is over. */
function waiting(news: ReturnType<typeof createSignal>, signal?: AbortSignal) {
  const wait = { over: false, ended: news.wait(1_000, signal) }
  void wait.ended.then(() => {
    wait.over = true
  })
  return wait
}

describe('a signal', () => {
  test('wakes all who wait, the second time too, and counts', async () => {
    const news = createSignal()
    for (const turn of [1, 2]) {
      const all = [waiting(news), waiting(news)]
      expect(news.waiting()).toBe(2)
      news.notify()
      await Promise.all(all.map(({ ended }) => ended))
      expect([news.waiting(), news.notified()]).toEqual([0, turn])
    }
  })

  test('that was given before does not wake who waits after it', async () => {
    const news = createSignal()
    news.notify()
    const wait = waiting(news)
    await vi.advanceTimersByTimeAsync(999)
    expect(wait.over).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(wait.over).toBe(true)
  })

  test.each<[string, (news: ReturnType<typeof createSignal>, stopping: AbortController) => unknown]>([
    ['a notice', (news) => news.notify()],
    ['its time', () => vi.advanceTimersByTimeAsync(1_000)],
    ['an abort', (_news, stopping) => stopping.abort()],
  ])('leaves no waiter, timer or listener behind once a wait is ended by %s', async (_what, end) => {
    const [news, stopping] = [createSignal(), new AbortController()]
    const { ended } = waiting(news, stopping.signal)
    expect([news.waiting(), vi.getTimerCount()]).toEqual([1, 1])
    await end(news, stopping)
    await ended
    expect([news.waiting(), vi.getTimerCount(), getEventListeners(stopping.signal, 'abort')]).toEqual([0, 0, []])
  })

  test('is not waited for after an abort', async () => {
    await pause(1_000, AbortSignal.abort())
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('what repeats goes on until it is stopped, and every stop waits for the turn under way', async () => {
  const turns: PromiseWithResolvers<void>[] = []
  const signals: AbortSignal[] = []
  const job = repeat((signal) => {
    signals.push(signal)
    const turn = Promise.withResolvers<void>()
    turns.push(turn)
    return turn.promise
  })
  for (const count of [1, 2, 3]) {
    expect(turns).toHaveLength(count)
    if (count < 3) turns.at(-1)?.resolve()
    await vi.advanceTimersByTimeAsync(0)
  }
  let stopped = 0
  const stops = [job.stop(), job.stop()].map((stop) =>
    stop.then(() => {
      stopped += 1
    }),
  )
  await vi.advanceTimersByTimeAsync(0)
  expect([stopped, signals.map(({ aborted }) => aborted)]).toEqual([0, [true, true, true]])
  turns.at(-1)?.resolve()
  await Promise.all([...stops, job.stop()])
  expect([stopped, turns.length]).toEqual([2, 3])
})

test.each([
  [1, 100, 100],
  [2, 100, 200],
  [3, 200, 400],
  [6, 1_600, 3_200],
  [7, 2_500, 5_000],
  [5_000, 2_500, 5_000],
])('after %i failures in a row the pause is from %i to %i ms', (failures, least, most) => {
  const random = vi.spyOn(Math, 'random')
  onTestFinished(() => random.mockRestore())
  const pauses = [0, 1].map((value) => {
    random.mockReturnValue(value)
    return backoffMs(failures)
  })
  expect(pauses).toEqual([least, most])
})
