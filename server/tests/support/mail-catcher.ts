import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import PostalMime from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { poll } from '../../src/platform/db/poll.ts'

export interface CaughtMail {
  to: string
  subject: string
  text: string
  html: string
  messageId: string
  /** By name in lower case. */
  headers: Readonly<Record<string, string>>
}

export interface MailCatcher {
  readonly port: number
  readonly mails: readonly CaughtMail[]
  /** The first mail that fits, as soon as it is here; rejects when none is within `ms` milliseconds. */
  waitFor(fits: (mail: CaughtMail) => boolean, ms?: number): Promise<CaughtMail>
  stop(): Promise<void>
}

/** A real SMTP server on 127.0.0.1 that keeps what it is sent. `options` make it a worse one. */
export async function startMailCatcher(port = 0, options: SMTPServerOptions = {}): Promise<MailCatcher> {
  const mails: CaughtMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    closeTimeout: 500,
    onData(stream, session, done) {
      buffer(stream)
        .then((raw) => PostalMime.parse(raw))
        .then(({ subject = '', text = '', html = '', messageId = '', headers }) => {
          mails.push({
            to: session.envelope.rcptTo.map(({ address }) => address).join(', '),
            subject,
            text: text.trimEnd(),
            html,
            messageId,
            headers: Object.fromEntries(headers.map(({ key, value }) => [key, value])),
          })
          done()
        }, done)
    },
    ...options,
  })
  // A client that goes away in mid-delivery is its own business.
  server.on('error', () => undefined)
  const listening = once(server.server, 'listening')
  server.listen(port, '127.0.0.1')
  await listening

  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    async waitFor(fits, ms = 10_000) {
      const found = await poll(() => mails.find(fits), { withinMs: ms })
      if (!found)
        throw new Error(`no such mail within ${ms} ms; subjects: ${mails.map(({ subject }) => subject).join(' | ')}`)
      return found
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}
