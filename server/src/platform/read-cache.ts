import { LRUCache } from 'lru-cache'
import type { ServerNotices } from './db/notices.ts'

/**
 * Remembers what was read, until somebody writes. In this process a drop takes effect before the write is answered; other
 * processes on the same database hear of it by a notice, and while notices cannot reach this process nothing is remembered.
 */
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
const partsPerKey = 20

export function createReadCache<Value>(options: {
  name: string
  notices: ServerNotices
  max: number
}): ReadCache<Value> {
  const { notices } = options
  const channel = `read_cache_${options.name}`
  const entries = new LRUCache<string, Map<string, Promise<Value>>>({ max: options.max, ttl: longestAgeMs })

  const unsubscribe = notices.on(channel, (key) => {
    if (key === undefined) entries.clear()
    else entries.delete(key)
  })

  return {
    get(key, part, load) {
      if (!notices.connected()) return load()
      let parts = entries.get(key)
      if (!parts) {
        parts = new Map()
        entries.set(key, parts)
      }
      const known = parts.get(part)
      if (known) return known
      // A drop takes the whole map away, so a load that began before a write can only land in a map nobody reads any more.
      const loading = load()
      if (parts.size < partsPerKey) {
        parts.set(part, loading)
        const owner = parts
        loading.catch(() => owner.delete(part))
      }
      return loading
    },
    drop: (key) => notices.announce(channel, key),
    close: unsubscribe,
  }
}
