import { type Clock, systemClock } from '../clock.ts'
import type { Redis } from '../redis.ts'
import { hmac, sameSecret } from '../secrets.ts'
import type { TokenCache } from './token-cache.ts'
import { type AccessClaims, isAccessClaims } from './token-verifier.ts'

/** Milliseconds for which Redis is not asked again after it failed: one that hangs would hold up every request. */
const restMs = 1_000

export interface RedisTokenCacheOptions {
  redis: Redis
  /** What stands before the hash in a key. */
  prefix: string
  /** Seals what is kept: whoever can write to Redis cannot make a token by it. The same in every instance. */
  key: Buffer
  clock?: Clock
}

/** Keeps in Redis, for all instances. Values are the claims as JSON behind their seal; one without its seal or shape is a miss. */
export function redisTokenCache(options: RedisTokenCacheOptions): TokenCache {
  const { prefix, key, clock = systemClock } = options
  const { client } = options.redis
  let restUntil = Number.NEGATIVE_INFINITY

  const ask = async <Answer>(command: () => Promise<Answer>): Promise<Answer | undefined> => {
    if (clock.now() < restUntil) return undefined
    try {
      return await command()
    } catch {
      restUntil = clock.now() + restMs
      return undefined
    }
  }
  // The hash is sealed in: a value is good under its own key only.
  const sealOf = (hash: string, json: string) => hmac(key, `${hash}.${json}`).toString('base64url')

  const open = (hash: string, value: string): AccessClaims | undefined => {
    const end = value.indexOf('.')
    const json = value.slice(end + 1)
    if (!sameSecret(value.slice(0, end), sealOf(hash, json))) return undefined
    const claims: unknown = JSON.parse(json)
    return isAccessClaims(claims) ? claims : undefined
  }

  return {
    async find(hash) {
      const value = await ask(() => client.get(prefix + hash))
      return value ? open(hash, value) : undefined
    },
    findNow: () => undefined,
    async keep(hash, claims, seconds) {
      const json = JSON.stringify(claims)
      await ask(() => client.set(prefix + hash, `${sealOf(hash, json)}.${json}`, 'EX', seconds))
    },
    async drop(hash) {
      await ask(() => client.unlink(prefix + hash))
    },
  }
}
