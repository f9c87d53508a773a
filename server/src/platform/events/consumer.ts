import { type Clock, systemClock } from '../clock.ts'
import type { Database } from '../db/database.ts'
import { DomainError, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { backoffMs, pause } from '../signal.ts'
import type { EventSource } from './bus.ts'
import { deadLetter } from './dead-letters.ts'
import type { DomainEvent } from './event.ts'
import { type EventHandlers, handleOnce, handlerOf } from './inbox.ts'

export { type Replay, replayDeadLetters } from './dead-letters.ts'
export type { EventHandlers } from './inbox.ts'

export interface ConsumerOptions {
  /** Stable: the outbox and the inbox know the consumer by it. */
  name: string
  source: EventSource
  /** Where the effects go; it has the inbox tables. */
  database: Database
  handlers: EventHandlers
  log: Logger
  /** Failures of a handler after which its event becomes a dead letter. */
  maxAttempts?: number
  /** Told of each event whose handler ran, once its effect is committed. */
  onHandled?: (event: DomainEvent) => void
  clock?: Clock
}

/** An event that failed: it is skipped, not acknowledged, until its time comes. */
interface RetryLater {
  /** Failures of its handler; unavailability is none. */
  attempts: number
  failures: number
  notBefore: number
}

type Outcome = 'done' | 'put off' | 'database away'

const batchSize = 100
const waitMs = 20_000
/** While events are put off the source answers at once; this is how often new ones are looked for beside them. */
const retryPollMs = 200
const stopDeadlineMs = 5_000

export type Consumer = ReturnType<typeof startConsumer>

/** Takes a source's events into a database, each effect exactly once, until it is stopped. */
export function startConsumer(options: ConsumerOptions) {
  const { name, source, database, handlers, log, maxAttempts = 10, onHandled, clock = systemClock } = options
  const about = { consumer: name, source: source.service }
  const stopping = new AbortController()
  const { signal } = stopping
  /** Never larger than a batch; a restart counts attempts afresh. */
  let retryLater = new Map<string, RetryLater>()
  let pending: readonly DomainEvent[] = []
  let lastContactAt: number | undefined
  let handled = 0
  let deadLettered = 0
  const running = run()

  async function run() {
    let failures = 0
    while (!signal.aborted) {
      try {
        const away = await takeBatch()
        failures = away ? failures + 1 : 0
      } catch (error) {
        failures += 1
        if (isUnavailable(error)) log.debug({ ...about, failures }, 'an event source is away')
        else log.error({ ...about, failures, reason: messageOf(error) }, 'an event source refuses its consumer')
      }
      if (failures > 0) await pause(backoffMs(failures), signal)
    }
  }

  /** Says whether the database went away meanwhile. */
  async function takeBatch(): Promise<boolean> {
    const events = await source.next(name, { limit: batchSize, waitMs, signal })
    lastContactAt = clock.now()
    // What is no longer offered was dealt with by a twin of this consumer.
    retryLater = new Map(events.flatMap(({ id }) => [...entry(retryLater, id)]))
    pending = events
    const done: string[] = []
    let away = false
    for (const event of events) {
      if (signal.aborted) break
      if ((retryLater.get(event.id)?.notBefore ?? 0) > clock.now()) continue
      const outcome = await take(event)
      if (outcome === 'done') done.push(event.id)
      away = outcome === 'database away'
      if (away) break
    }
    pending = events.filter(({ id }) => !done.includes(id))
    // Should this fail, the events come again and the inbox recognises them.
    if (done.length > 0) await source.acknowledge(name, done)
    else if (!away && events.length > 0) await pause(retryPollMs, signal)
    return away
  }

  async function take(event: DomainEvent): Promise<Outcome> {
    const handler = handlerOf(handlers, event)
    if (!handler) return 'done'
    try {
      const ran = await handleOnce(database, name, event, handler)
      retryLater.delete(event.id)
      if (ran) tell(event)
      return 'done'
    } catch (error) {
      return isUnavailable(error) ? await withoutDatabase(event) : await failed(event, error)
    }
  }

  /** Unavailability is nobody's attempt. If the database does answer, only this event waits and the others go on. */
  async function withoutDatabase(event: DomainEvent): Promise<Outcome> {
    const { attempts = 0, failures = 0 } = retryLater.get(event.id) ?? {}
    const answers = await database.ping().then(
      () => true,
      () => false,
    )
    if (!answers) return 'database away'
    log.warn({ ...about, type: event.type, id: event.id }, 'an event waits for something that is unavailable')
    delay(event, attempts, failures + 1)
    return 'put off'
  }

  async function failed(event: DomainEvent, error: unknown): Promise<Outcome> {
    const { attempts: before = 0, failures = 0 } = retryLater.get(event.id) ?? {}
    const attempts = before + 1
    // A message may quote the event's data, so the log gets the error's kind; the dead letter has the message.
    const facts = { ...about, type: event.type, id: event.id, attempts, error: kindOf(error) }
    if (attempts < maxAttempts) {
      log.warn(facts, 'an event failed and is tried again')
      delay(event, attempts, failures + 1)
      return 'put off'
    }
    try {
      await deadLetter(database, name, event, { reason: error, attempts })
    } catch (failure) {
      log.warn({ ...facts, failure: kindOf(failure) }, 'a dead letter could not be written')
      delay(event, before, failures + 1)
      return 'put off'
    }
    log.error(facts, 'an event became a dead letter')
    retryLater.delete(event.id)
    deadLettered += 1
    return 'done'
  }

  function delay(event: DomainEvent, attempts: number, failures: number) {
    retryLater.set(event.id, { attempts, failures, notBefore: clock.now() + backoffMs(failures) })
  }

  function tell(event: DomainEvent) {
    handled += 1
    try {
      onHandled?.(event)
    } catch (error) {
      // The effect is committed: whoever listens cannot undo it.
      log.error({ ...about, type: event.type, id: event.id, error: kindOf(error) }, 'a listener of events failed')
    }
  }

  async function stop() {
    stopping.abort()
    const deadline = new AbortController()
    await Promise.race([running.finally(() => deadline.abort()), pause(stopDeadlineMs, deadline.signal)])
  }

  let stopped: Promise<void> | undefined
  return {
    /** Finishes the event under way and ends the waiting poll; resolves within five seconds. */
    stop(): Promise<void> {
      stopped ??= stop()
      return stopped
    },
    state: () => ({
      /** Milliseconds since the epoch when the source last answered. */
      lastContactAt,
      /** Age in milliseconds of the oldest event received and not yet dealt with; 0 when there is none. */
      lagMs: pending.reduce((lag, { time }) => Math.max(lag, clock.now() - Date.parse(time)), 0),
      /** Events that failed and wait to be tried again. */
      retrying: retryLater.size,
      /** Since the start, as the next one. */
      handled,
      deadLettered,
    }),
  }
}

function entry<Value>(map: ReadonlyMap<string, Value>, key: string): [string, Value][] {
  const value = map.get(key)
  return value === undefined ? [] : [[key, value]]
}

const isUnavailable = (error: unknown) => error instanceof DomainError && error.code === 'edge.unavailable'

/** The class and code of an error: what can be logged of it. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name
}
