import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { backoffMs } from '../../signal.ts'
import type { Notice } from './queue.ts'

export interface NoticeConnectionOptions {
  url: string
  name: string
  log: Logger
  /** What to listen to, asked at each connect. */
  channels(): Iterable<string>
  /** A connection stands and listens; notices before this moment may have been missed. */
  onReady(): void
  onNotice(notice: Notice): void
}

const heartbeatMs = 15_000
const answerWithinMs = 5_000

/** One connection that comes back by itself, with growing pauses of up to five seconds. */
export function keepConnection(options: NoticeConnectionOptions) {
  const { url, name, log } = options
  let ready: pg.Client | undefined
  let current: pg.Client | undefined
  let failures = 0
  let tried = false
  let closed = false
  let retry: NodeJS.Timeout | undefined

  // A peer that vanished without a word would otherwise be noticed after hours.
  const heartbeat = setInterval(() => {
    const client = ready
    if (client) ask(client, 'SELECT 1').catch((error) => lose(client, error))
  }, heartbeatMs)
  heartbeat.unref()

  // One query after the other: the connection is shared by the heartbeat, the subscriptions and the notices.
  let turn: Promise<unknown> = Promise.resolve()
  function ask(client: pg.Client, text: string, values: unknown[] = []): Promise<unknown> {
    const asked = turn.then(() => client.query(text, values))
    turn = asked.catch(() => undefined)
    return asked
  }

  function lose(client: pg.Client, error: unknown): void {
    if (client !== current) return
    tried = true
    current = undefined
    if (ready) log.warn({ database: name, reason: messageOf(error) }, 'the connection for notices was lost')
    ready = undefined
    client.end().catch(() => undefined)
    if (closed) return
    failures += 1
    retry = setTimeout(connect, backoffMs(failures))
    retry.unref()
  }

  async function connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: url,
      application_name: `guichet:${name}:notices`,
      connectionTimeoutMillis: 3_000,
      query_timeout: answerWithinMs,
      keepAlive: true,
    })
    current = client
    client.on('error', (error) => lose(client, error))
    client.on('end', () => lose(client, new Error('the server closed it')))
    try {
      await client.connect()
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      client.on('notification', ({ processId, channel, payload = '' }) => {
        // Ours were delivered at once, when they were announced.
        if (processId !== rows[0]?.pid) options.onNotice({ channel, payload })
      })
      const channels = [...options.channels()]
      if (channels.length > 0) await client.query(channels.map((channel) => command('LISTEN', channel)).join(';'))
      if (client !== current) return
      ready = client
      failures = 0
      tried = true
      // Those that were added while we asked for the others.
      for (const channel of options.channels()) if (!channels.includes(channel)) await listen(channel)
      options.onReady()
    } catch (error) {
      lose(client, error)
    }
  }

  /** Changes what is listened to; true when the server has taken it. Without a connection the next one begins with it. */
  async function tell(verb: 'LISTEN' | 'UNLISTEN', channel: string): Promise<boolean> {
    const client = ready
    if (!client) return false
    try {
      await ask(client, command(verb, channel))
      return true
    } catch (error) {
      lose(client, error)
      return false
    }
  }
  const listen = (channel: string) => tell('LISTEN', channel)

  void connect()
  return {
    connected: () => ready !== undefined,
    /** True until the first attempt has come to something. */
    beginning: () => !tried,
    listen,
    unlisten: (channel: string) => tell('UNLISTEN', channel),
    /** Sends notices in one statement, outside of any transaction of ours; false when there is no connection for it. */
    async send(notices: readonly Notice[]): Promise<boolean> {
      const client = ready
      if (!client) return false
      try {
        await ask(
          client,
          'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) n(channel, payload)',
          [notices.map(({ channel }) => channel), notices.map(({ payload }) => payload)],
        )
        return true
      } catch (error) {
        // What the server has read and declined (its queue is full) would be declined again and again.
        if (error instanceof pg.DatabaseError && !/^(08|53|57)/.test(error.code ?? '')) {
          log.error({ database: name, notices: notices.length, reason: messageOf(error) }, 'notices were not taken')
          return true
        }
        lose(client, error)
        return false
      }
    },
    async close(): Promise<void> {
      closed = true
      clearInterval(heartbeat)
      clearTimeout(retry)
      const client = current
      ready = undefined
      current = undefined
      // A peer that vanished never confirms the end.
      await Promise.race([client?.end().catch(() => undefined), pause(1_000, undefined, { ref: false })])
    },
  }
}

const command = (verb: 'LISTEN' | 'UNLISTEN', channel: string) => `${verb} ${pg.escapeIdentifier(channel)}`
