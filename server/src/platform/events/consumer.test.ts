import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Database } from '../db/database.ts'
import { refuseAtEdge } from '../errors.ts'
import { silentLogger } from '../log.ts'
import type { EventSource } from './bus.ts'
import { startConsumer } from './consumer.ts'
import type { DomainEvent } from './event.ts'

beforeEach(() => {
  vi.useFakeTimers()
  // The longest that a pause may be.
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const event: DomainEvent = {
  id: 'e',
  source: 'things',
  type: 'thing.happened',
  subject: 's',
  sequence: 1,
  time: new Date(0).toISOString(),
  data: {},
}
const away = () => Promise.reject(refuseAtEdge('edge.unavailable'))

test.each(['database', 'source'] as const)(
  'a %s that is away is asked after growing pauses, which begin anew when it was back',
  async (what) => {
    let isAway = true
    const asked: number[] = []
    const source: EventSource = {
      service: 'things',
      async next(_consumer, { signal }) {
        asked.push(Date.now())
        if (what === 'source' && isAway) return away()
        if (isAway) return [event]
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, 60_000)
          signal?.addEventListener('abort', () => {
            clearTimeout(timer)
            resolve(undefined)
          })
        })
        return []
      },
      acknowledge: async () => undefined,
    }
    const database = { transaction: away, ping: away } as unknown as Database
    const handlers = { [event.type]: async () => undefined }
    const consumer = startConsumer({ name: 'reader', source, database, handlers, log: silentLogger() })
    onTestFinished(consumer.stop)
    const pauses = () => asked.slice(1).map((at, index) => at - (asked[index] ?? 0))

    await vi.advanceTimersByTimeAsync(100 + 200 + 400 + 799)
    expect(pauses()).toEqual([100, 200, 400])
    isAway = false
    await vi.advanceTimersByTimeAsync(1)
    isAway = true
    await vi.advanceTimersByTimeAsync(60_000 + 100 + 200)
    expect(pauses().slice(3)).toEqual([800, 60_000, 100, 200])
  },
)

test('an event is set aside after its own failures; what is unavailable meanwhile counts for none', async () => {
  let calls = 0
  const acknowledged: number[] = []
  const source: EventSource = {
    service: 'things',
    async next(_consumer, { signal }) {
      if (acknowledged.length === 0) return [event]
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      return []
    },
    acknowledge: async () => void acknowledged.push(calls),
  }
  const queryable = { one: async () => ({ due: true }), run: async () => 1 }
  const database = {
    transaction: (work: (tx: unknown) => unknown) => work(queryable),
    ping: async () => undefined,
  } as unknown as Database
  const handlers = {
    async [event.type]() {
      calls += 1
      if (calls <= 5) return away()
      throw new Error('broken')
    },
  }
  const consumer = startConsumer({ name: 'reader', source, database, handlers, log: silentLogger(), maxAttempts: 3 })
  onTestFinished(consumer.stop)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(acknowledged).toEqual([5 + 3])
  expect(consumer.state()).toMatchObject({ deadLettered: 1, handled: 0, retrying: 0 })
})
