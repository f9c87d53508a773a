import { type Clock, systemClock } from '../../platform/clock.ts'

/** Reads at most once in `ms` milliseconds: however often figures are asked for, the database counts no faster. */
export function cachedFor<Value>(
  ms: number,
  read: () => Promise<Value>,
  clock: Clock = systemClock,
): () => Promise<Value> {
  let held: { since: number; value: Promise<Value> } | undefined
  return () => {
    const now = clock.now()
    if (!held || now - held.since > ms) held = { since: now, value: read() }
    return held.value
  }
}
