import { type Clock, systemClock } from '../clock.ts'
import { newId } from '../ids.ts'
import type { ReadCache } from '../read-cache.ts'
import type { Redis } from './connection.ts'
import { redisFallback } from './fallback.ts'

/** Bytes above which a value is read from its source each time. */
const largestValue = 1024 * 1024
/** Seconds that a drop is known: longer than any load takes, and than any value stays. */
const dropKnownSeconds = 60

export interface RedisReadCacheOptions<Value> {
  redis: Redis
  /** Caches of the same name share their values, those of other processes too. */
  name: string
  /** For how long a value is remembered. */
  seconds: number
  /** Makes a value of what `JSON.parse` gave; the dates have to be brought back. */
  revive?: (value: unknown) => Value
  clock?: Clock
}

/**
 * Remembers in Redis, so that all processes share what one of them read. A value is stored behind the id of the key's latest drop
 * as it was when the load began, and counts while that is the latest: when a drop has resolved, no process hands out what was read
 * before it. What is larger than 1 MiB is not remembered.
 *
 * While Redis is away everything is read from its source, and nobody waits. A drop meanwhile resolves too: this process asks Redis
 * for nothing until the old value is gone by itself; others may hand it out until then, for `seconds` at most.
 */
export function createRedisReadCache<Value>(options: RedisReadCacheOptions<Value>): ReadCache<Value> {
  const { redis, name, seconds, revive = (value) => value as Value, clock = systemClock } = options
  const { client } = redis
  const keptMs = Math.ceil(seconds * 1_000)
  const ask = redisFallback(redis, clock)
  const dropOf = (key: string) => `guichet:cache:${name}:${key}`
  /** The loads that run, by where and behind what their values will stand. */
  const loads = new Map<string, Promise<Value>>()
  let distrustedUntil = 0

  const loadOnce = (place: string, drop: string, load: () => Promise<Value>): Promise<Value> => {
    const id = `${place} ${drop}`
    const running = loads.get(id)
    if (running) return running
    const loading = load()
    loads.set(id, loading)
    const store = async (value: Value) => {
      const text = drop + JSON.stringify(value)
      if (Buffer.byteLength(text) > largestValue) return
      await ask<unknown>(
        () => client.set(place, text, 'PX', keptMs),
        () => undefined,
      )
    }
    // It ends when the value is stored: whoever asks until then need not load again.
    void loading
      .then(store)
      .catch(() => undefined)
      .finally(() => loads.delete(id))
    return loading
  }

  return {
    async get(key, part, load) {
      if (clock.now() < distrustedUntil) return load()
      const place = `${dropOf(key)}:${part}`
      const found = await ask(
        () => client.mget(dropOf(key), place),
        () => undefined,
      )
      if (!found) return load()
      const [latest, text] = found
      const drop = `${latest ?? ''} `
      if (!text?.startsWith(drop)) return loadOnce(place, drop, load)
      try {
        return revive(JSON.parse(text.slice(drop.length)))
      } catch {
        // Another version of the program stored it in another shape.
        return load()
      }
    },
    drop: (key) =>
      ask<unknown>(
        () => client.set(dropOf(key), newId(), 'EX', dropKnownSeconds),
        () => {
          distrustedUntil = clock.now() + keptMs
        },
      ).then(() => undefined),
    close: () => undefined,
  }
}
