/**
 * A fact that a service's transaction recorded, in the words of CloudEvents 1.0 (`specversion` and `datacontenttype`
 * are added where it leaves the process).
 */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  /** UUIDv7; the inbox knows an event by it. */
  readonly id: string
  /** The service that recorded it. */
  readonly source: string
  readonly type: Type
  /** The aggregate it happened to. */
  readonly subject: string
  /** Grows by one with each event of the aggregate; a consumer ignores what is older than what it saw. */
  readonly sequence: number
  /** ISO 8601, UTC. */
  readonly time: string
  readonly data: Data
}
