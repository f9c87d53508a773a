export interface SemaphoreOptions {
  /** Works under way at most. */
  atOnce: number
  /** Works that wait at most; any further one is refused at once. */
  capacity: number
  /** Milliseconds that a work waits at most; without end when absent. */
  waitMs?: number
  /** Makes the error of a work that does not get its turn. */
  busy(): Error
}

/** Lets a few do their work at a time, the others in the order they came. */
// cockatiel's bulkhead has no deadline for those in its queue, and calls nobody else after one that was aborted there.
export function createSemaphore({ atOnce, capacity, waitMs, busy }: SemaphoreOptions) {
  let running = 0
  const waiting = new Set<() => void>()

  const turn = (): Promise<void> | undefined => {
    if (running < atOnce) {
      running += 1
      return undefined
    }
    if (waiting.size >= capacity) throw busy()
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer)
        waiting.delete(begin)
        resolve()
      }
      const giveUp = () => {
        waiting.delete(begin)
        reject(busy())
      }
      const timer = waitMs === undefined ? undefined : setTimeout(giveUp, waitMs)
      waiting.add(begin)
    })
  }

  return {
    /** Does `work` when its turn comes; whoever was refused is not worked for later. */
    async run<Result>(work: () => Promise<Result>): Promise<Result> {
      await turn()
      try {
        return await work()
      } finally {
        // The place goes straight to the next in line; only an empty line frees it.
        const [next] = waiting
        if (next) next()
        else running -= 1
      }
    },
    /** Those who wait for their turn. */
    waiting: () => waiting.size,
  }
}
