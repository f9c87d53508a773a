import type { DomainEvent } from './event.ts'

/**
 * What a consumer sees of another service's outbox, whatever carries it: a direct call, the HTTP feed, a stream.
 * Delivery is at least once and in order per aggregate: an aggregate's next event comes after the former is acknowledged.
 */
export interface EventSource {
  /** The service whose events these are. */
  readonly service: string
  /**
   * The oldest events that `consumer` has not acknowledged, at most `limit` and one per aggregate. When there are none it waits
   * up to `waitMs` for one and then gives an empty list.
   */
  next(consumer: string, options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<DomainEvent[]>
  /** Says that the consumer's effects of these events are committed. */
  acknowledge(consumer: string, ids: readonly string[]): Promise<void>
}
