import { setTimeout as pause } from 'node:timers/promises'
import { contracts } from '../src/contracts/registry.ts'
import { systemClock as clock } from '../src/platform/clock.ts'
import { openDatabase } from '../src/platform/db/database.ts'
import { migrate } from '../src/platform/db/migrate.ts'
import { openNotices } from '../src/platform/db/notices/index.ts'
import { newId } from '../src/platform/ids.ts'
import { silentLogger } from '../src/platform/log.ts'
import { createReadCache, type ReadCache } from '../src/platform/read-cache.ts'
import { openRedis, type Redis } from '../src/platform/redis/connection.ts'
import { createRedisReadCache } from '../src/platform/redis/read-cache.ts'
import {
  type Accounts,
  type CachedPeople,
  migrations,
  openProfiles,
  revivePeople,
} from '../src/services/profiles/index.ts'
import { operator } from '../src/services/realm/index.ts'
import { startRedis } from '../tests/support/redis.ts'
import { openScratchServer } from '../tests/support/scratch-server.ts'
import type { Result } from './result.ts'

const people = 1_000
const readers = 16
const seconds = 3
const changes = 500

const context = operator(contracts.shop.realm)
const log = silentLogger()

/** Reading people from the database and from each cache that could stand before it, and who is shown something old after a change. */
export async function measurePeople(): Promise<Result[]> {
  const postgres = await openScratchServer('profiles')
  const redisServer = await startRedis()
  const redis = await openRedis({ url: redisServer.url, log })
  const url = postgres.url('profiles')
  try {
    await migrate(url, migrations, { log })
    const notices = openNotices({ url, name: 'bench', log })
    const caches: [string, (name: string) => ReadCache<CachedPeople>][] = [
      [
        'the database',
        () => ({ get: (_key, _part, load) => load(), drop: async () => undefined, close: () => undefined }),
      ],
      ['memory', (name) => createReadCache({ name, notices, max: 5_000 })],
      ['Redis', (name) => createRedisReadCache({ redis, name, seconds: 5, revive: revivePeople })],
      ['Redis by time alone', (name) => byTimeAlone(redis, name)],
    ]
    const results: Result[] = []
    for (const [how, make] of caches) {
      const r = await measured(how, url, make)
      console.log(r)
      results.push(...r)
    }
    await notices.close()
    return results
  } finally {
    await redis.close()
    await redisServer.stop()
    await postgres.remove()
  }
}

async function measured(how: string, url: string, make: (name: string) => ReadCache<CachedPeople>): Promise<Result[]> {
  const database = openDatabase({ name: 'bench', url, log })
  const cache = make(newId().slice(-12))
  const profiles = openProfiles({
    database,
    accounts,
    people: cache,
    announce: () => undefined,
    eventsRecorded: () => undefined,
    avatars: { put: nothing, get: nothing, remove: nothing, ping: nothing, close: nothing },
    clock,
    log,
  })
  try {
    for (const id of ids) await profiles.read({ accountId: id }, context)
    const [id = ''] = ids
    const page = await perSecond(() => profiles.list({ limit: 100, offset: 0 }, context))
    const one = await perSecond(() => profiles.read({ accountId: id }, context))
    const old = await shownOld(profiles, id)
    const shown = (what: string, figure: string): Result => ({
      what: `${what}, from ${how}`,
      measured: figure,
      met: true,
    })
    return [
      shown('a page of 100 users', `${page.toFixed(0)}/s`),
      shown('a user', `${one.toFixed(0)}/s`),
      shown(`old 20 ms after one of ${changes} changes`, `${old} times`),
    ]
  } finally {
    cache.close()
    await profiles.close()
    await database.close()
  }
}

const nothing = async () => undefined
const ids: string[] = Array.from({ length: people }, () => crypto.randomUUID())
const numbers = new Map(ids.map((id, index) => [id, index + 1]))
const accounts = {
  async find(id: string) {
    const number = numbers.get(id) ?? 0
    const email = `person${number}@example.org`
    return {
      id,
      number,
      tenant: 'main',
      username: email,
      email,
      displayName: `Person ${number}`,
      createdAt: new Date(0).toISOString(),
      roles: [],
    }
  },
} as unknown as Accounts

async function perSecond(read: () => Promise<unknown>): Promise<number> {
  let reads = 0
  const began = performance.now()
  const until = began + seconds * 1_000
  await Promise.all(
    Array.from({ length: readers }, async () => {
      while (performance.now() < until) {
        await read()
        reads += 1
        // What comes without any wait would let nobody else run.
        if (reads % 64 === 0) await new Promise(setImmediate)
      }
    }),
  )
  return (reads * 1_000) / (performance.now() - began)
}

/** How often somebody who has changed a profile finds it in the list as it was before, while others read the list all the time. */
async function shownOld(profiles: ReturnType<typeof openProfiles>, id: string): Promise<number> {
  const page = { limit: 100, offset: 0 }
  let old = 0
  let changing = true
  const others = Array.from({ length: 3 }, async () => {
    while (changing) {
      await profiles.list(page, context)
      await pause(Math.random() * 10)
    }
  })
  for (let change = 0; change < changes; change += 1) {
    await profiles.change(id, { phone: `${change}` }, context)
    await pause(20)
    if ((await profiles.list(page, context)).find(({ accountId }) => accountId === id)?.phone !== `${change}`) old += 1
  }
  changing = false
  await Promise.all(others)
  return old
}

/** What a cache by time alone would be: stored when it is read, removed when it is changed. */
function byTimeAlone(redis: Redis, name: string): ReadCache<CachedPeople> {
  const parts = new Map<string, Set<string>>()
  return {
    async get(key, part, load) {
      const place = `${name}:${key}:${part}`
      parts.set(key, (parts.get(key) ?? new Set()).add(place))
      const text = await redis.client.get(place)
      if (text !== null) return revivePeople(JSON.parse(text))
      const value = await load()
      await redis.client.set(place, JSON.stringify(value), 'EX', 5)
      return value
    },
    async drop(key) {
      const places = parts.get(key)
      if (places) await redis.client.unlink(...places)
    },
    close: () => undefined,
  }
}
