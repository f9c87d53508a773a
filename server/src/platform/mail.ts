import type { NodemailerError } from 'nodemailer'

/** One mail to one person, as a text and as the same in HTML. */
export interface MailMessage {
  /** The sender, where it is another than the transport's. */
  from?: string | undefined
  /** The Message-ID is made from it: the same id again is a redelivery, and mail servers can tell. */
  id: string
  to: string
  subject: string
  text: string
  html: string
}

/** What takes mail away. */
export interface MailTransport {
  /** Milliseconds within which `send` has ended, one way or the other. */
  readonly deadlineMs: number
  /** Resolves once a server has answered for the mail; rejects with a `MailFailure`. */
  send(message: MailMessage): Promise<void>
  /** Ends the connections, those that are delivering too. */
  close(): void
}

/** A mail that was not taken. The message names the SMTP reply or the kind of failure only: a server's text may quote the mail. */
export class MailFailure extends Error {
  override readonly name = 'MailFailure'
  /** True when this mail was refused for good, so that trying again is of no use (RFC 5321, 4.2.1: 5yz). */
  readonly permanent: boolean
  /** True when no mail at all got through: the server is away, or does not let us in. */
  readonly unreachable: boolean

  constructor(reason: string, { permanent, unreachable }: { permanent: boolean; unreachable: boolean }) {
    super(reason)
    this.permanent = permanent
    this.unreachable = unreachable
  }
}

export interface SmtpOptions {
  host: string
  port: number
  username?: string | undefined
  password?: string | undefined
  /** `opportunistic` encrypts if the server can, without checking who it is (RFC 7435); `required` checks its certificate. */
  tls: 'none' | 'opportunistic' | 'required'
  /** The sender: an address, or a name with the address in angle brackets. */
  from: string
  /** Milliseconds that one delivery may take, connecting included. */
  deadlineMs: number
}

/** The port on which TLS comes before SMTP (RFC 8314). */
const implicitTlsPort = 465
const connections = 5

/** Sends over a pool of SMTP connections. Nothing is connected before the first mail. */
export function smtpTransport(options: SmtpOptions): MailTransport {
  const { deadlineMs } = options
  let pool: ReturnType<typeof openPool> | undefined

  return {
    deadlineMs,
    async send({ from = options.from, id, to, subject, text, html }) {
      pool ??= openPool(options)
      const { sendMail } = await pool
      await sendMail({
        from,
        // As an object it is never parsed: no address can turn out to be a list.
        to: { name: '', address: to },
        subject,
        text,
        html,
        messageId: `<${id}@${/@([^\s@>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost'}>`,
        // So that no out-of-office note answers it (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated' },
        xMailer: false,
        // The timeouts above are of each step; a server that trickles its replies passes them all.
        signal: AbortSignal.timeout(deadlineMs),
      }).catch((error: unknown) => {
        throw failureOf(error)
      })
    },
    close: () => void pool?.then(({ close }) => close()),
  }
}

/** A pool of SMTP connections; what speaks SMTP is loaded with the first mail, since it takes twenty megabytes. */
async function openPool({ host, port, username, password, tls, deadlineMs }: SmtpOptions) {
  const { createTransport } = await import('nodemailer')
  const pool = createTransport({
    pool: true,
    host,
    port,
    ...(username !== undefined && { auth: { user: username, pass: password ?? '' } }),
    secure: tls !== 'none' && port === implicitTlsPort,
    ignoreTLS: tls === 'none',
    opportunisticTLS: tls === 'opportunistic',
    requireTLS: tls === 'required',
    tls: { rejectUnauthorized: tls === 'required', minVersion: 'TLSv1.2' },
    dnsTimeout: deadlineMs,
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    socketTimeout: deadlineMs,
    socketCloseTimeout: 1_000,
    idleTimeout: 30_000,
    maxConnections: connections,
    // Who sends decides whether to try again: a connection lost in mid-delivery may have delivered.
    maxRequeues: 0,
    maxRecipients: 1,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    sendMail: (mail: Parameters<typeof pool.sendMail>[0]) => pool.sendMail(mail),
    close: () => pool.close({ force: true }),
  }
}

function failureOf(error: unknown): MailFailure {
  if (!(error instanceof Error)) return new MailFailure('unknown', { permanent: false, unreachable: false })
  const { code = error.name, responseCode, response, permanent }: NodemailerError = error
  const aboutMail = code === 'EENVELOPE' || code === 'EMESSAGE'
  if (responseCode === undefined) {
    // Refused before it was offered, such as an address that cannot be one: it will not get better.
    return new MailFailure(code, { permanent: aboutMail, unreachable: !aboutMail })
  }
  // 53x is about how we sign in (RFC 4954), and mends when the configuration does.
  const settings = Math.floor(responseCode / 10) === 53
  const status = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(response ?? '')?.[0]
  return new MailFailure(`SMTP ${responseCode}${status ? ` ${status}` : ''}`, {
    permanent: permanent === true && aboutMail && !settings,
    unreachable: !aboutMail || settings,
  })
}
