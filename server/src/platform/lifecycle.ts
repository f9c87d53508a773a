import { messageOf } from './errors.ts'
import type { Logger } from './log.ts'

/** What has to be undone when the process ends, in the order opposite to its start. */
export interface Lifecycle {
  onStop(name: string, stop: () => Promise<void>): void
  /** Runs every stop, the latest first; one that fails does not keep the others from running. */
  stop(): Promise<void>
}

export function createLifecycle(log: Logger): Lifecycle {
  const stops: { name: string; stop: () => Promise<void> }[] = []
  return {
    onStop: (name, stop) => void stops.push({ name, stop }),
    async stop() {
      for (let next = stops.pop(); next; next = stops.pop()) {
        const { name, stop } = next
        await stop().catch((error: unknown) =>
          log.error({ name, reason: messageOf(error) }, 'a part did not stop cleanly'),
        )
      }
    },
  }
}
