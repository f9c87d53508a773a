import type { Redis } from '../redis/connection.ts'
import { redisFallback } from '../redis/fallback.ts'
import { hmac, sameSecret } from '../secrets.ts'
import type { TokenCache } from './cache.ts'
import { type AccessClaims, isAccessClaims } from './verifier.ts'

export interface RedisTokenCacheOptions {
  redis: Redis
  /** What stands before the hash in a key. */
  prefix: string
  /** Seals what is kept: whoever can write to Redis cannot make a token by it. The same in every instance. */
  key: Buffer
}

/** Keeps in Redis, for all instances. Values are the claims as JSON behind their seal; one without its seal or shape is a miss. */
export function redisTokenCache({ redis, prefix, key }: RedisTokenCacheOptions): TokenCache {
  const { client } = redis
  const whileThere = redisFallback(redis)
  const ask = (command: () => Promise<unknown>) => whileThere(command, () => undefined)
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
      return typeof value === 'string' ? open(hash, value) : undefined
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
