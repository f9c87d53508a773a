/** When a key begins to sign. */
export interface Activated {
  activatesAt: Date
}

/** `next`: published and not signing yet; `retiring`: verifies what it signed before. */
export type KeyState = 'next' | 'current' | 'retiring'

/** Milliseconds from publishing a key to signing with it: twice the 300 s that the set may be cached for. */
export const leadMs = 10 * 60_000
/** Milliseconds a key is kept beyond its last token: for clocks that differ, and for a process that hears late of the successor. */
const lingerMs = 5 * 60_000
const dayMs = 24 * 3600_000

// All of these take the keys with those first that activate last.

/** The newest that is active; the oldest, when the clock of whoever made it is ahead of ours. */
export function currentOf<Key extends Activated>(keys: readonly Key[], now: number): Key {
  const current = keys.find(({ activatesAt }) => activatesAt.getTime() <= now) ?? keys.at(-1)
  if (!current) throw new Error('there is no signing key')
  return current
}

/** The key that waits to become the current one. */
export const nextOf = <Key extends Activated>(keys: readonly Key[], now: number): Key | undefined =>
  keys[0] === currentOf(keys, now) ? undefined : keys[0]

export function stateOf<Key extends Activated>(key: Key, keys: readonly Key[], now: number): KeyState {
  const current = currentOf(keys, now)
  if (key === current) return 'current'
  return keys.indexOf(key) < keys.indexOf(current) ? 'next' : 'retiring'
}

/** When a key that is wanted now may sign: after the current one in any case, though a clock ahead of ours named that. */
export const soonest = (keys: readonly Activated[], now: number): Date =>
  new Date(Math.max(now, currentOf(keys, now).activatesAt.getTime() + 1))

/** Whether the current key has signed for long enough and none waits; `days` of 0: never. */
export const rotationDue = (keys: readonly Activated[], days: number, now: number): boolean =>
  days > 0 && !nextOf(keys, now) && now - currentOf(keys, now).activatesAt.getTime() >= days * dayMs

/** The keys whose last token has expired: the successor has been active for longer than a token lives. */
export function outlived<Key extends Activated>(keys: readonly Key[], longestTtl: number, now: number): Key[] {
  const followedBefore = now - longestTtl * 1000 - lingerMs
  return keys.filter((_, index) => {
    const successor = keys[index - 1]
    return successor !== undefined && successor.activatesAt.getTime() <= followedBefore
  })
}
