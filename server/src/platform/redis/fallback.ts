import { type Clock, systemClock } from '../clock.ts'
import type { Redis } from './connection.ts'

/** Milliseconds for which Redis is left alone after it failed. */
const restMs = 1_000

/** What a command of Redis answers; what `instead` says while Redis is away. */
export type AskRedis = <Answer>(
  command: () => Promise<Answer>,
  instead: () => Answer | Promise<Answer>,
) => Promise<Answer>

/**
 * Asks Redis as long as it answers. The first failure sends all to the alternative who wait by then, and all who come after; once
 * the rest is over one ping, which nobody waits for, finds out whether Redis is back.
 */
export function redisFallback({ ping }: Pick<Redis, 'ping'>, clock: Clock = systemClock): AskRedis {
  const waiting = new Set<() => void>()
  let state: 'here' | 'away' | 'tried' = 'here'
  let restUntil = 0

  const rest = () => {
    state = 'away'
    restUntil = clock.now() + restMs
    for (const giveUp of waiting) giveUp()
    waiting.clear()
  }
  const tryAgain = () => {
    state = 'tried'
    ping().then(() => {
      state = 'here'
    }, rest)
  }

  return <Answer>(command: () => Promise<Answer>, instead: () => Answer | Promise<Answer>) => {
    const alternative = async (): Promise<Answer> => instead()
    if (state === 'away' && clock.now() >= restUntil) tryAgain()
    if (state !== 'here') return alternative()
    return new Promise<Answer>((resolve) => {
      const giveUp = () => resolve(alternative())
      waiting.add(giveUp)
      command().then(
        (answer) => {
          waiting.delete(giveUp)
          resolve(answer)
        },
        () => {
          // Whoever was sent away already failed with the first.
          if (waiting.has(giveUp)) rest()
        },
      )
    })
  }
}
