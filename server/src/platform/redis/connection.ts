import { once } from 'node:events'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'

export type Redis = Awaited<ReturnType<typeof openRedis>>

/** Milliseconds a command may take: what asks Redis has something else to fall back on. */
const commandDeadlineMs = 500
const connectDeadlineMs = 2_000
const longestPauseMs = 2_000

/**
 * A connection to Redis that comes back by itself. While it is away every command fails at once; none waits. One that is away does not keep a process from starting: it is connected to in the background.
 */
export async function openRedis({ url, log }: { url: string; log: Logger }) {
  // Loaded where there is a Redis: it takes ten megabytes.
  const { Redis } = await import('ioredis')
  const client = new Redis(url, {
    connectionName: 'guichet',
    // 91k against 37k GET/s: commands of one turn of the event loop share a round trip.
    enableAutoPipelining: true,
    // Health is asked past a batch that hangs.
    autoPipeliningIgnoredCommands: ['ping'],
    commandTimeout: commandDeadlineMs,
    connectTimeout: connectDeadlineMs,
    socketTimeout: 4 * commandDeadlineMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Full jitter, so that many processes do not come back in step.
    retryStrategy: (attempt) => 50 + Math.random() * Math.min(longestPauseMs, 50 * 2 ** attempt),
  })
  // Only the address is said: the URL may hold a password, and so may the command that an error of ioredis carries.
  const where = `${client.options.host}:${client.options.port}`
  let away = false
  client.on('error', (error: unknown) => {
    if (!away) log.warn({ redis: where, reason: messageOf(error) }, 'Redis is away')
    away = true
  })
  client.on('ready', () => {
    if (away) log.info({ redis: where }, 'Redis is back')
    away = false
  })
  await once(client, 'ready', { signal: AbortSignal.timeout(connectDeadlineMs) }).catch(() => undefined)

  return {
    client,
    /** Rejects when Redis does not answer within two seconds. */
    async ping(): Promise<void> {
      await client.ping()
    },
    async close(): Promise<void> {
      if (client.status === 'end') return
      const ended = once(client, 'end', { signal: AbortSignal.timeout(commandDeadlineMs) }).catch(() => undefined)
      await client.quit().catch(() => undefined)
      client.disconnect()
      await ended
    },
  }
}
