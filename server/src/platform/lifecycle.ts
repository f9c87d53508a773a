import { messageOf } from './errors.ts'
import type { Logger } from './log.ts'

/** Milliseconds after which a part that still stops is named. */
const tellAfterMs = 500

export type Lifecycle = ReturnType<typeof createLifecycle>

/** What has to be undone when the process ends, in the order opposite to its start. */
export function createLifecycle(log: Logger) {
  const stops: { name: string; stop: () => Promise<void> }[] = []
  let stopped = Promise.resolve()
  const stopAll = async () => {
    for (let next = stops.pop(); next; next = stops.pop()) {
      const { name, stop } = next
      // Who waits at the terminal should know for what.
      const waits = setTimeout(() => log.info({ name }, 'waiting for a part to stop'), tellAfterMs)
      try {
        await stop()
      } catch (error) {
        log.error({ name, reason: messageOf(error) }, 'a part did not stop cleanly')
      } finally {
        clearTimeout(waits)
      }
    }
  }
  return {
    onStop: (name: string, stop: () => Promise<void>) => void stops.push({ name, stop }),
    /** Runs every stop once, the latest first and one after the other; one that fails does not keep the others from running. */
    stop(): Promise<void> {
      // Who asks a second time does not pull the database from under what is still stopping.
      stopped = stopped.then(stopAll)
      return stopped
    },
  }
}
