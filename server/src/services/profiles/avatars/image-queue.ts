import { Refusal } from '../../../platform/errors.ts'
import type { ProfilesErrorCode } from '../errors.ts'

/** Works on images a few at a time: one can take the memory of a thousand requests, and all of a processor. */
export interface ImageQueue {
  /** Runs `work` when its turn comes. Refuses with `profiles.busy` when too many wait, at once, or when the turn does not come in time. */
  run<Result>(work: () => Promise<Result>): Promise<Result>
}

/** Makes the refusal of an image that is not worked on, to be thrown. */
export const busy = () => new Refusal<ProfilesErrorCode>('profiles.busy', { retryAfterSeconds: 2 })

export interface ImageQueueOptions {
  /** Images that are worked on at most. */
  atOnce: number
  /** Images that wait at most. */
  capacity: number
  /** Milliseconds that one waits at most. */
  waitMs: number
}

export function createImageQueue({ atOnce, capacity, waitMs }: ImageQueueOptions): ImageQueue {
  let running = 0
  const waiting: (() => void)[] = []

  const turn = (): Promise<void> => {
    if (running < atOnce) {
      running += 1
      return Promise.resolve()
    }
    if (waiting.length >= capacity) throw busy()
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(begin), 1)
        reject(busy())
      }, waitMs)
      waiting.push(begin)
    })
  }

  return {
    async run(work) {
      await turn()
      try {
        return await work()
      } finally {
        // The place goes straight to the next in line; only an empty line frees it.
        const next = waiting.shift()
        if (next) next()
        else running -= 1
      }
    },
  }
}
