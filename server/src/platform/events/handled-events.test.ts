import { beforeEach, describe, expect, test } from 'vitest'
import { execute, freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../db/database.ts'
import { refuseAtEdge } from '../errors.ts'
import { newId } from '../ids.ts'
import { outboxTables } from '../testing/event-bus.conformance.ts'
import { deadLetter, listDeadLetters, replayDeadLetters } from './dead-letters.ts'
import type { DomainEvent } from './event.ts'
import { type EventHandlers, handleOnce } from './inbox.ts'

const fresh = freshDatabase('handled events', { setup: outboxTables })
const db = () => fresh.database
beforeEach(() => execute(fresh.url, 'TRUNCATE inbox_events, inbox_positions, dead_letters'))

const eventOf = (from: Partial<DomainEvent> = {}): DomainEvent => ({
  id: newId(),
  source: 'identity',
  type: 'thing.made',
  subject: newId(),
  sequence: 1,
  time: '2030-01-01T00:00:00.000Z',
  data: {},
  ...from,
})

describe('an event is handled', () => {
  const first = eventOf({ sequence: 3 })
  test.each<[string, DomainEvent, string, boolean]>([
    ['not a second time', first, 'reader', false],
    ['by another consumer too', first, 'other', true],
    ['when it is the next of its aggregate', eventOf({ subject: first.subject, sequence: 4 }), 'reader', true],
    ['not when it has the number of one that was', eventOf({ subject: first.subject, sequence: 3 }), 'reader', false],
    ['not when it is older than one that was', eventOf({ subject: first.subject, sequence: 2 }), 'reader', false],
    ['when it is older than one of another aggregate', eventOf({ sequence: 2 }), 'reader', true],
    [
      'when it is older than one that another consumer had',
      eventOf({ subject: first.subject, sequence: 2 }),
      'other',
      true,
    ],
  ])('%s', async (_what, event, consumer, due) => {
    const handled: string[] = []
    const handle = async (_tx: unknown, { id }: DomainEvent) => void handled.push(id)
    expect(await handleOnce(db(), 'reader', first, handle)).toBe(true)
    expect(await handleOnce(db(), consumer, event, handle)).toBe(due)
    expect(handled).toEqual(due ? [first.id, event.id] : [first.id])
  })

  test('the second and third time, when its handler failed before', async () => {
    let failing = true
    const handler = async () => {
      if (failing) throw new Error('not yet')
    }
    for (let turn = 0; turn < 2; turn += 1)
      await expect(handleOnce(db(), 'reader', first, handler)).rejects.toThrow('not yet')
    failing = false
    expect(await handleOnce(db(), 'reader', first, handler)).toBe(true)
  })
})

describe('a dead letter', () => {
  const put = (event: DomainEvent, consumer = 'reader', attempts = 10) =>
    deadLetter(db(), consumer, event, { reason: new Error('first reason'), attempts })
  const handlers = (handle: (event: DomainEvent) => void): EventHandlers => ({
    'thing.made': async (_tx, event) => handle(event),
  })
  const listed = async (consumer = 'reader') =>
    (await listDeadLetters(db(), consumer)).map(({ id, reason, attempts }) => [id, reason, attempts])

  test('is of its consumer, is put aside once, and not at all when it was handled', async () => {
    const [event, handled] = [eventOf(), eventOf()]
    await handleOnce(db(), 'reader', handled, async () => undefined)
    for (const one of [event, event, handled]) await put(one)
    expect(await listed()).toEqual([[event.id, 'first reason', 10]])
    expect(await listed('other')).toEqual([])
    expect(await handleOnce(db(), 'reader', event, async () => undefined)).toBe(false)
  })

  test('that fails again, and once more, counts it and says the last reason', async () => {
    const [event, other] = [eventOf(), eventOf()]
    await put(event)
    await put(other)
    for (const one of [event, other]) await put(one, 'other', 5)
    for (const turn of [1, 2]) {
      const replayed = await replayDeadLetters(
        db(),
        'reader',
        handlers(() => {
          throw new Error(`failure ${turn}`)
        }),
        [event.id],
      )
      expect(replayed).toEqual({ succeeded: [], failed: [{ id: event.id, reason: `failure ${turn}` }] })
      expect(await listed()).toEqual([
        [other.id, 'first reason', 10],
        [event.id, `failure ${turn}`, 10 + turn],
      ])
    }
    expect((await listed('other')).map(([, ...rest]) => rest)).toEqual([
      ['first reason', 5],
      ['first reason', 5],
    ])
  })

  test('that succeeds is gone, for its consumer alone, and is not replayed twice', async () => {
    const [event, other] = [eventOf(), eventOf()]
    for (const one of [event, other]) for (const consumer of ['reader', 'other']) await put(one, consumer)
    const seen: string[] = []
    const replay = (ids?: string[]) =>
      replayDeadLetters(
        db(),
        'reader',
        handlers(({ id }) => void seen.push(id)),
        ids,
      )
    expect(await replay([event.id])).toEqual({ succeeded: [event.id], failed: [] })
    expect(await replay([event.id])).toEqual({ succeeded: [], failed: [] })
    expect((await listed()).map(([id]) => id)).toEqual([other.id])
    expect(await replay()).toEqual({ succeeded: [other.id], failed: [] })
    expect(seen).toEqual([event.id, other.id])
    expect(await listed('other')).toHaveLength(2)
  })

  test('that two replay at once is handled by one of them', async () => {
    const event = eventOf()
    await put(event)
    const { promise, resolve } = Promise.withResolvers<void>()
    let begun = 0
    const slow: EventHandlers = {
      'thing.made': async () => {
        begun += 1
        await promise
      },
    }
    const first = replayDeadLetters(db(), 'reader', slow)
    await expect.poll(() => begun).toBe(1)
    expect(await replayDeadLetters(db(), 'reader', slow)).toEqual({ succeeded: [], failed: [] })
    resolve()
    expect(await first).toEqual({ succeeded: [event.id], failed: [] })
    expect(begun).toBe(1)
  })

  test('is replayed in the order of its aggregate, and stays as it is while the database is away', async () => {
    const subject = newId()
    const events = [3, 1, 2].map((sequence) => eventOf({ subject, sequence }))
    for (const event of events) await put(event)
    await db().run(sql`UPDATE dead_letters SET failed_at = now()`)
    const away = handlers(() => {
      throw refuseAtEdge('edge.unavailable')
    })
    await expect(replayDeadLetters(db(), 'reader', away)).rejects.toMatchObject({ code: 'edge.unavailable' })
    expect((await listed()).map(([, , attempts]) => attempts)).toEqual([10, 10, 10])
    const order: number[] = []
    await replayDeadLetters(
      db(),
      'reader',
      handlers(({ sequence }) => void order.push(sequence)),
    )
    expect(order).toEqual([1, 2, 3])
  })

  test('that nobody handles any more fails, and stays', async () => {
    const event = eventOf({ type: 'toString' })
    await put(event)
    const { failed } = await replayDeadLetters(
      db(),
      'reader',
      handlers(() => undefined),
    )
    expect(failed).toEqual([{ id: event.id, reason: 'no handler for toString' }])
  })
})
