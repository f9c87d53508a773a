/** Wakes whoever waits for something that may have happened. */
export interface Signal {
  notify(): void
  /** How often it was notified: who compares it before and after some work misses nothing. */
  notified(): number
  /** How many wait. */
  waiting(): number
  /** Resolves when it is notified next, after `ms` milliseconds, or when `signal` aborts; it never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

export function createSignal(): Signal {
  const waiting = new Set<() => void>()
  let notified = 0
  return {
    notify() {
      notified += 1
      for (const wake of [...waiting]) wake()
    },
    notified: () => notified,
    waiting: () => waiting.size,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          clearTimeout(timer)
          waiting.delete(wake)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        signal?.addEventListener('abort', wake)
        waiting.add(wake)
      }),
  }
}

/** Resolves after `ms` milliseconds or when `signal` aborts, whichever is first. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> => createSignal().wait(ms, signal)

const firstBackoffMs = 100
const longestBackoffMs = 5_000

/** Milliseconds to wait after the given number of failures in a row: doubling from 100 to 5,000, the last half random. */
export function backoffMs(failures: number): number {
  const full = Math.min(firstBackoffMs * 2 ** Math.min(failures - 1, 16), longestBackoffMs)
  // Without jitter, those that failed together come back together.
  return Math.max(firstBackoffMs, full / 2 + (Math.random() * full) / 2)
}
