import { messageOf } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { poll } from '../poll.ts'
import { keepConnection } from './connection.ts'
import { NoticeQueue } from './queue.ts'

/** Wake-ups between processes that share a database: LISTEN on one dedicated connection that reconnects by itself. */
export interface Notices {
  /**
   * Calls `heard` for each payload on the channel, and with undefined whenever listening begins or begins again, since
   * something may have been missed before. Gives the function that ends it.
   */
  on(channel: string, heard: (payload: string | undefined) => void): () => void
  /**
   * Tells every listener: this process's own at once, others through the server. Equal notices that wait go once.
   * Resolves when the server has taken it, or quietly when it is away: a notice is a wake-up, never the only carrier.
   */
  announce(channel: string, payload?: string): Promise<void>
  close(): Promise<void>
}

/** Notices that go through a server. */
export interface ServerNotices extends Notices {
  /** True while the connection stands and listens. */
  connected(): boolean
}

type Heard = (payload: string | undefined) => void

const batchSize = 1_000
// PostgreSQL's own limits (NAMEDATALEN, NOTIFY_PAYLOAD_MAX_LENGTH), one below.
const longestChannel = 63
const longestPayload = 7_999

/** Opens the notices of one database. Does not wait for the connection. */
export function openNotices({ url, name, log }: { url: string; name: string; log: Logger }): ServerNotices {
  const listeners = new Map<string, Set<Heard>>()
  const queue = new NoticeQueue()
  let sending = false
  let scheduled = false
  let closed = false

  const deliver = (channel: string, payload: string | undefined) => {
    for (const heard of [...(listeners.get(channel) ?? [])]) {
      try {
        heard(payload || undefined)
      } catch (error) {
        log.error({ channel, reason: messageOf(error) }, 'a listener failed on a notice')
      }
    }
  }

  const connection = keepConnection({
    url,
    name,
    log,
    channels: () => listeners.keys(),
    onReady() {
      for (const channel of [...listeners.keys()]) deliver(channel, undefined)
      void flush()
    },
    onNotice: ({ channel, payload }) => deliver(channel, payload),
  })

  async function flush(): Promise<void> {
    scheduled = false
    if (sending) return
    sending = true
    while (queue.size > 0 && connection.connected()) {
      const batch = queue.take(batchSize)
      if (await connection.send(batch)) for (const { done } of batch) done()
      else queue.restore(batch)
    }
    sending = false
  }

  return {
    on(channel, listener) {
      assertChannel(channel)
      // Its own function per subscription: the same listener may subscribe twice, and end one of the two.
      const heard: Heard = (payload) => listener(payload)
      const known = listeners.get(channel)
      if (known) known.add(heard)
      else {
        listeners.set(channel, new Set([heard]))
        // Before the server has taken LISTEN, a notice of another process goes unheard.
        void connection.listen(channel).then((took) => took && deliver(channel, undefined))
      }
      return () => {
        const all = listeners.get(channel)
        if (!all?.delete(heard) || all.size > 0) return
        listeners.delete(channel)
        void connection.unlisten(channel)
      }
    },
    announce(channel, payload = '') {
      assertChannel(channel)
      deliver(channel, payload)
      if (closed) return Promise.resolve()
      // What the server cannot carry becomes "anything may have changed".
      const carried = Buffer.byteLength(payload) <= longestPayload && !payload.includes('\0') ? payload : ''
      const waiting = queue.add({ channel, payload: carried })
      if (!connection.connected()) return Promise.resolve()
      if (!scheduled) {
        scheduled = true
        // After this turn of the event loop, so that what is announced in it goes together.
        setImmediate(() => void flush())
      }
      return waiting.taken
    },
    connected: () => connection.connected(),
    async close() {
      if (closed) return
      closed = true
      // The last ones of a process that stops are often the ones others wait for, and of a command that does one thing the only
      // ones: they are sent as soon as the connection stands.
      void flush()
      const sent = () => queue.size === 0 && !sending
      await poll(() => sent() || !connection.beginning() || undefined, { withinMs: 3_000 })
      await poll(() => sent() || !connection.connected() || undefined, { withinMs: 1_000 })
      await connection.close()
      for (const { done } of queue.take(queue.size)) done()
    },
  }
}

function assertChannel(channel: string): void {
  if (channel && Buffer.byteLength(channel) <= longestChannel && !channel.includes('\0')) return
  throw new Error(`a channel's name has 1 to ${longestChannel} bytes, unlike "${channel}"`)
}
