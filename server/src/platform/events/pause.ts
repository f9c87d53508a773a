/** Resolves after `ms`, when `signal` aborts, or when what `subscribe` listens to calls `wake`: whichever is first. */
export function pause(ms: number, signal: AbortSignal, subscribe?: (wake: () => void) => () => void): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      unsubscribe?.()
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal.addEventListener('abort', wake)
    const unsubscribe = subscribe?.(wake)
  })
}

const firstBackoffMs = 100
const longestBackoffMs = 5_000

/** Milliseconds to wait after the given number of failures in a row: doubling from 100 to 5,000, the last half random. */
export function backoffMs(failures: number): number {
  const full = Math.min(firstBackoffMs * 2 ** Math.min(failures - 1, 16), longestBackoffMs)
  // Without jitter, consumers that failed together come back together.
  return Math.max(firstBackoffMs, full / 2 + (Math.random() * full) / 2)
}
