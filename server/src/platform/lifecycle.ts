import { messageOf } from './errors.ts'
import type { Logger } from './log.ts'

/** What has to be undone when the process ends, in the order opposite to its start. */
export interface Lifecycle {
  onStop(name: string, stop: () => Promise<void>): void
  /** Runs every stop once, the latest first and one after the other; one that fails does not keep the others from running. */
  stop(): Promise<void>
}

export function createLifecycle(log: Logger): Lifecycle {
  const stops: { name: string; stop: () => Promise<void> }[] = []
  let stopped = Promise.resolve()
  const stopAll = async () => {
    for (let next = stops.pop(); next; next = stops.pop()) {
      const { name, stop } = next
      try {
        await stop()
      } catch (error) {
        log.error({ name, reason: messageOf(error) }, 'a part did not stop cleanly')
      }
    }
  }
  return {
    onStop: (name, stop) => void stops.push({ name, stop }),
    stop() {
      // Who asks a second time does not pull the database from under what is still stopping.
      stopped = stopped.then(stopAll)
      return stopped
    },
  }
}
