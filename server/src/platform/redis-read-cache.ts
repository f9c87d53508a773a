import { type Clock, systemClock } from './clock.ts'
import { newId } from './ids.ts'
import { partsPerKey, type ReadCache } from './read-cache.ts'
import type { Redis } from './redis.ts'

/** Milliseconds for which Redis is not asked again after it failed. */
const restMs = 1_000
/** Bytes above which a value is read from its source each time. */
const largestValue = 1024 * 1024
/** Keys whose drop could be owed to a Redis that is away. */
const mostOwed = 10_000

// A field of the hash begins with one of these: it stands for a value, or for the leave to put one there.
const valueMark = '='
const leaseMark = '?'

/** The value of a part or the lease on it, which the first who asks brings along; nil when the key has no room for it. */
const findOrLease = `
  local found = redis.call('HGET', KEYS[1], ARGV[1])
  if found then return found end
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return false end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
  return ARGV[2]`

const storeUnderLease = `
  if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return 1`

export interface RedisReadCacheOptions<Value> {
  redis: Redis
  /** Caches of the same name share their values, those of other processes too. */
  name: string
  /** For how long a key and all its parts are remembered, counted from the first read. */
  seconds: number
  /** Makes a value of what `JSON.parse` gave (or of undefined, when that was loaded); the dates have to be brought back. */
  revive?: (value: unknown) => Value
  clock?: Clock
}

/**
 * Remembers in Redis, so that all processes share what one of them read. When a drop has resolved, no process hands out what
 * was read before it: who misses a value gets a lease, a drop takes the leases away, and only under a standing lease is a
 * value stored, or a load shared. What JSON cannot carry or is larger than 1 MiB is not remembered.
 *
 * While Redis is away everything is read from its source, and nobody waits. A drop meanwhile resolves too: this process asks
 * Redis for nothing until the drop was made up for; others may hand out the old value until then, for `seconds` at most.
 */
export function createRedisReadCache<Value>(options: RedisReadCacheOptions<Value>): ReadCache<Value> {
  const { name, seconds, revive = (value) => value as Value, clock = systemClock } = options
  const { client } = options.redis
  const keptMs = Math.ceil(seconds * 1_000)
  const hashOf = (key: string) => `guichet:cache:${name}:${key}`

  /** The loads that run, by lease: one that stands says that nobody dropped the key since they began. */
  const loads = new Map<string, Promise<Value>>()
  const connection = askWhileItAnswers(options.redis, { keptMs, clock })

  const store = async (hash: string, part: string, lease: string, value: Value) => {
    const text = valueMark + (value === undefined ? '' : JSON.stringify(value))
    if (Buffer.byteLength(text) > largestValue) return
    await connection.ask(() => client.eval(storeUnderLease, 1, hash, part, lease, text))
  }
  const loadUnder = (lease: string, hash: string, part: string, load: () => Promise<Value>) => {
    const running = loads.get(lease)
    if (running) return running
    const loading = load()
    loads.set(lease, loading)
    // It ends when the value is stored: who was given the lease until then has not to load again.
    void loading
      .then((value) => store(hash, part, lease, value))
      .catch(() => undefined)
      .finally(() => loads.delete(lease))
    return loading
  }

  return {
    async get(key, part, load) {
      if (connection.away()) return load()
      const hash = hashOf(key)
      const found = await connection.ask(() =>
        client.eval(findOrLease, 1, hash, part, leaseMark + newId(), partsPerKey, keptMs),
      )
      if (typeof found !== 'string') return load()
      if (found.startsWith(leaseMark)) return loadUnder(found, hash, part, load)
      try {
        const text = found.slice(valueMark.length)
        return revive(text === '' ? undefined : JSON.parse(text))
      } catch {
        // Another version of the program stored it in another shape.
        return load()
      }
    },
    async drop(key) {
      const hash = hashOf(key)
      if ((await connection.ask(() => client.unlink(hash))) === undefined) connection.oweDrop(hash)
    },
    close: connection.close,
  }
}

/** Asks Redis as long as it answers, and after a failure again once it answers and has dropped what it was owed. */
function askWhileItAnswers({ client, ping }: Redis, { keptMs, clock }: { keptMs: number; clock: Clock }) {
  /** Those who wait for an answer; the first failure sends all of them away. */
  const waiting = new Set<() => void>()
  const owed = new Set<string>()
  let mistrustedUntil = 0
  let resting: NodeJS.Timeout | undefined
  let closed = false

  const oweDrop = (hash: string) => {
    owed.add(hash)
    if (owed.size >= mostOwed) {
      // Whatever was stored before these drops is gone by itself then.
      mistrustedUntil = clock.now() + keptMs
      owed.clear()
    }
    // Redis may just have come back.
    if (!resting) rest()
  }
  const payDrops = async () => {
    while (owed.size > 0) {
      // What is dropped while they are under way is owed anew.
      const hashes = [...owed]
      owed.clear()
      await client.unlink(...hashes).catch((error: unknown) => {
        for (const hash of hashes) oweDrop(hash)
        throw error
      })
    }
  }
  const comeBack = async () => {
    try {
      await ping()
      await payDrops()
    } catch {
      rest()
      return
    }
    if (clock.now() < mistrustedUntil) rest()
    else resting = undefined
  }
  const rest = () => {
    for (const giveUp of waiting) giveUp()
    waiting.clear()
    if (closed) return
    resting = setTimeout(comeBack, restMs)
    resting.unref()
  }

  return {
    away: () => closed || resting !== undefined,
    /** What Redis answers to a command; undefined when it does not. */
    ask: <Answer>(command: () => Promise<Answer>) =>
      new Promise<Answer | undefined>((resolve) => {
        const giveUp = () => resolve(undefined)
        if (resting) return giveUp()
        waiting.add(giveUp)
        command().then(
          (answer) => {
            waiting.delete(giveUp)
            resolve(answer)
          },
          () => {
            // One that was sent away is a failure that is known already.
            if (waiting.has(giveUp)) rest()
          },
        )
      }),
    oweDrop,
    close() {
      closed = true
      clearTimeout(resting)
      resting = undefined
    },
  }
}
