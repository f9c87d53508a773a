import type { SmtpOptions } from '../platform/mail.ts'
import type { Reader } from './environment.ts'

/** The server that mail is handed to. */
export type SmtpSettings = Omit<SmtpOptions, 'from' | 'deadlineMs'>

const tlsModes = ['none', 'opportunistic', 'required'] as const
const group = ['HOST', 'PORT', 'USERNAME', 'PASSWORD', 'TLS'].map((part) => `GUICHET_SMTP_${part}`)

/** An address, or a name with the address in angle brackets; nothing that could add a header. */
const sender = /^(?:[^<>\r\n]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/

/** Undefined in development while nothing of the group is set: mail is then shown and not sent. */
export function readSmtp(read: Reader, development: boolean): SmtpSettings | undefined {
  const said = group.some((name) => read.text(name) !== undefined)
  const username = read.text('GUICHET_SMTP_USERNAME')
  const password = read.text('GUICHET_SMTP_PASSWORD')
  if ((username === undefined) !== (password === undefined)) {
    const missing = username === undefined ? 'GUICHET_SMTP_USERNAME' : 'GUICHET_SMTP_PASSWORD'
    read.problems.push(
      `${read.called(missing)} is missing: a mail server wants both a username and a password, or none.`,
    )
  }
  const smtp = {
    host: read.text('GUICHET_SMTP_HOST') ?? 'localhost',
    port: read.integer('GUICHET_SMTP_PORT', { fallback: 1_025, min: 1, max: 65_535 }),
    username,
    password,
    tls: read.choice('GUICHET_SMTP_TLS', tlsModes, 'opportunistic'),
  }
  return said || !development ? smtp : undefined
}

/** Whom mail comes from. */
export function readMailFrom(read: Reader): string {
  const from = read.text('GUICHET_MAIL_FROM') ?? 'noreply@localhost'
  if (!sender.test(from)) {
    read.problems.push(
      `${read.called('GUICHET_MAIL_FROM')} must be an address like noreply@example.org or Example <noreply@example.org>.`,
    )
  }
  return from
}
