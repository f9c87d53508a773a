export type Signal = ReturnType<typeof createSignal>

/** Wakes whoever waits for something that may have happened. */
export function createSignal() {
  const waiting = new Set<() => void>()
  let notified = 0
  return {
    notify(): void {
      notified += 1
      for (const wake of [...waiting]) wake()
    },
    /** How often it rang: who compares it before and after some work misses no ring. */
    notified: () => notified,
    /** How many wait. */
    waiting: () => waiting.size,
    /** Resolves at the next ring, after `ms` milliseconds, or when `signal` aborts; it never rejects. */
    wait: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
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

/** Does `turn` again and again until it is stopped, and then waits for the turn under way. A turn never rejects. */
export function repeat(turn: (signal: AbortSignal) => Promise<void>) {
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async () => {
    while (!signal.aborted) await turn(signal)
  }
  const running = run()
  return {
    async stop(): Promise<void> {
      stopping.abort()
      await running
    },
  }
}

const firstBackoffMs = 100
const longestBackoffMs = 5_000

/** Milliseconds to wait after the given number of failures in a row: doubling from 100 to 5,000, the last half random. */
export function backoffMs(failures: number): number {
  const full = Math.min(firstBackoffMs * 2 ** Math.min(failures - 1, 16), longestBackoffMs)
  // Without jitter, those that failed together come back together.
  return Math.max(firstBackoffMs, full / 2 + (Math.random() * full) / 2)
}
