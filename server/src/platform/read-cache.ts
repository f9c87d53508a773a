import { LRUCache } from 'lru-cache'
import { type Clock, systemClock } from './clock.ts'
import type { ServerNotices } from './db/notices/index.ts'

/** Remembers what was read, until somebody writes. */
export interface ReadCache<Value> {
  /** The value of `part` under `key`, loaded when it is not remembered; concurrent readers share one load. */
  get(key: string, part: string, load: () => Promise<Value>): Promise<Value>
  /** Forgets all parts of a key, here and in the other processes. To be called after the write is committed. */
  drop(key: string): Promise<void>
  close(): void
}

/** Beyond it a value is read again even if nobody said that it changed: the net below the notices, in milliseconds. */
const longestAgeMs = 2_000
/** Parts (pages) remembered of one key. */
export const partsPerKey = 20

interface Entry<Value> {
  readonly since: number
  /** By part. */
  readonly values: Map<string, Promise<Value>>
}

/**
 * Remembers in memory. In this process a drop takes effect before the write is answered; other processes on the same database
 * hear of it by a notice, and while notices cannot reach this process nothing is remembered.
 */
export function createReadCache<Value>(options: {
  name: string
  notices: ServerNotices
  max: number
  clock?: Clock
}): ReadCache<Value> {
  const { notices, clock = systemClock } = options
  const channel = `read_cache_${options.name}`
  const entries = new LRUCache<string, Entry<Value>>({ max: options.max })
  // What is too old to be handed out is not kept either.
  const sweep = setInterval(() => {
    const oldest = clock.now() - longestAgeMs
    for (const [key, { since }] of entries.entries()) if (since < oldest) entries.delete(key)
  }, longestAgeMs)
  sweep.unref()

  const unsubscribe = notices.on(channel, (key) => {
    if (key === undefined) entries.clear()
    else entries.delete(key)
  })

  return {
    get(key, part, load) {
      if (!notices.connected()) return load()
      const now = clock.now()
      let entry = entries.get(key)
      if (!entry || now - entry.since > longestAgeMs) {
        entry = { since: now, values: new Map() }
        entries.set(key, entry)
      }
      const { values } = entry
      const known = values.get(part)
      if (known) return known
      // A drop takes the whole entry away, so a load that began before a write can only land where nobody reads any more.
      const loading = load()
      if (values.size < partsPerKey) {
        values.set(part, loading)
        loading.catch(() => values.delete(part))
      }
      return loading
    },
    drop: (key) => notices.announce(channel, key),
    close() {
      clearInterval(sweep)
      unsubscribe()
    },
  }
}
