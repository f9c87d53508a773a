import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../../../tests/support/processes.ts'
import { redisStartTimeout, startRedis, type TestRedis } from '../../../tests/support/redis.ts'
import { poll } from '../db/poll.ts'
import { openRedis, type Redis } from './connection.ts'

const password = 'correct-horse-battery-staple'
let server: TestRedis
let redis: Redis | undefined
let lines = ''
const log = pino(
  { level: 'trace' },
  new Writable({
    write(chunk, _encoding, done) {
      lines += String(chunk)
      done()
    },
  }),
)

beforeAll(async () => {
  server = await startRedis({ password })
}, redisStartTimeout)
afterAll(() => server?.stop())
afterEach(async () => {
  await redis?.close()
  redis = undefined
  lines = ''
})

const milliseconds = async (work: Promise<unknown>) => {
  const startedAt = Date.now()
  await work.catch(() => undefined)
  return Date.now() - startedAt
}

test('is connected once it is open, and closes', async () => {
  redis = await openRedis({ url: server.url, log })
  await redis.ping()
  await redis.client.set('a', '1')
  expect(await Promise.all([redis.client.get('a'), redis.client.incr('a')])).toEqual(['1', 2])
  await redis.close()
  await expect(redis.ping()).rejects.toThrow()
  expect(redis.client.status).toBe('end')
})

test('one that is away keeps nobody waiting, and is connected to when it comes', async () => {
  const [port = 0] = await freePorts(1)
  expect(
    await milliseconds(
      openRedis({ url: `redis://127.0.0.1:${port}`, log }).then((opened) => {
        redis = opened
      }),
    ),
  ).toBeLessThan(2_500)
  await expect(redis?.ping()).rejects.toThrow()
  expect(lines.match(/Redis is away/g)).toHaveLength(1)

  const late = await startRedis({ port })
  try {
    expect(
      await poll(
        () =>
          redis?.ping().then(
            () => true,
            () => undefined,
          ),
        { withinMs: 15_000 },
      ),
    ).toBe(true)
    expect(lines).toContain('Redis is back')
  } finally {
    await late.stop()
  }
})

test('one that hangs fails a ping within two seconds, and whatever waited behind it', async () => {
  redis = await openRedis({ url: server.url, log })
  server.freeze()
  try {
    const { client, ping } = redis
    const waits = [client.get('a'), client.set('a', '2'), client.get('b')].map((work) => milliseconds(work))
    expect(await milliseconds(ping())).toBeLessThan(2_000)
    await expect(ping()).rejects.toThrow()
    expect(Math.max(...(await Promise.all(waits)))).toBeLessThan(3_000)
    expect(await milliseconds(redis.close())).toBeLessThan(3_000)
  } finally {
    server.thaw()
  }
})

test('a password is never logged, neither the right one nor a wrong one', async () => {
  const wrong = server.url.replace(password, 'hunter2-hunter2')
  redis = await openRedis({ url: wrong, log })
  expect(await poll(() => /Redis is away/.test(lines) || undefined, { withinMs: 5_000 })).toBe(true)
  expect(lines).toContain(`127.0.0.1:${server.port}`)
  expect(lines).toMatch(/WRONGPASS/)
  expect(lines).not.toMatch(/hunter2|correct-horse/)
})
