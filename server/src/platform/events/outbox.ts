import { type Queryable, sql } from '../db/database.ts'

/** The notice channel that a service announces on after it committed events; the relay wakes from it. */
export const outboxChannel = 'outbox'

export interface NewEvent {
  /** UUIDv7. */
  readonly id: string
  readonly aggregateId: string
  /** The aggregate's next number, taken under the lock of the aggregate's row: numbers then commit in order. */
  readonly sequence: number
  readonly type: string
  readonly data: unknown
}

/** Records one event in the transaction that makes it true; announce `outboxChannel` once that is committed. */
export async function appendEvent(tx: Queryable, { id, aggregateId, sequence, type, data }: NewEvent): Promise<void> {
  await tx.run(sql`
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    VALUES (${id}, ${aggregateId}, ${sequence}, ${type}, ${JSON.stringify(data ?? null)}::jsonb)`)
}
