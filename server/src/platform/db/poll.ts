import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../clock.ts'

/** Asks `check` again every `everyMs` until it gives a value; undefined when `withinMs` have passed without one. */
export async function poll<Value>(
  check: () => Promise<Value | undefined> | Value | undefined,
  { withinMs, everyMs = 20 }: { withinMs: number; everyMs?: number },
): Promise<Value | undefined> {
  const giveUpAt = systemClock.now() + withinMs
  for (;;) {
    const value = await check()
    if (value !== undefined) return value
    if (systemClock.now() >= giveUpAt) return undefined
    await pause(everyMs)
  }
}
