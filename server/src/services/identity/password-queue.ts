import { refuse } from './errors.ts'

/** Runs password hashes a few at a time, so that a burst of sign-ins leaves processor time to everything else. */
export interface PasswordQueue {
  /** Runs `hash` when its turn comes; a full queue is refused at once with `identity.busy` and `retryAfterSeconds`. */
  run<Result>(hash: () => Promise<Result>): Promise<Result>
  waiting(): number
}

/**
 * @param concurrent hashes under way at most
 * @param capacity hashes waiting at most
 */
export function passwordQueue(concurrent: number, capacity: number): PasswordQueue {
  let running = 0
  const waiting: (() => void)[] = []

  const turn = (): Promise<void> | undefined => {
    if (running < concurrent) {
      running += 1
      return undefined
    }
    if (waiting.length >= capacity) throw refuse('identity.busy', { retryAfterSeconds: 2 })
    return new Promise((resolve) => waiting.push(resolve))
  }

  return {
    async run(hash) {
      await turn()
      try {
        return await hash()
      } finally {
        // The place goes straight to the next in line; only an empty line frees it.
        const next = waiting.shift()
        if (next) next()
        else running -= 1
      }
    },
    waiting: () => waiting.length,
  }
}
