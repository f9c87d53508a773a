/** Where the code reads the time; tests pass their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Starts to measure: gives the seconds since, whatever happens to the clock meanwhile. */
export function stopwatch(): () => number {
  const started = performance.now()
  return () => (performance.now() - started) / 1000
}

/** Whole seconds since the epoch, as JWT dates want them (RFC 7519, NumericDate). */
export const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000)
