import { type ContractName, contracts } from '../contracts/registry.ts'
import { isLoopbackHost } from '../platform/http/loopback.ts'
import type { SmtpOptions } from '../platform/mail.ts'
import type { Reader } from './environment.ts'
import type { Plan } from './topologies.ts'

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
  const host = read.text('GUICHET_SMTP_HOST') ?? 'localhost'
  const smtp = {
    host,
    port: read.integer('GUICHET_SMTP_PORT', { fallback: 1_025, min: 1, max: 65_535 }),
    username,
    password,
    tls: readTls(read, host, development),
  }
  return said || !development ? smtp : undefined
}

/** Links and codes open accounts: outside this machine they go encrypted, to a server whose certificate holds, unless that is not wanted. */
function readTls(read: Reader, host: string, development: boolean): SmtpSettings['tls'] {
  const cleartext = read.flag('GUICHET_SMTP_ALLOW_CLEARTEXT')
  const safe = development || isLoopbackHost(host)
  const tls = read.choice('GUICHET_SMTP_TLS', tlsModes, safe || cleartext ? 'opportunistic' : 'required')
  if (safe || tls === 'required') return tls
  if (cleartext) {
    read.warnings.push(
      `GUICHET_SMTP_ALLOW_CLEARTEXT=true: whoever is between here and ${host} can read mailed links and codes, and open accounts with them.`,
    )
  } else {
    read.problems.push(
      `GUICHET_SMTP_TLS=${tls} would let whoever is between here and ${host} read mailed links and codes: set it to required, or allow that by GUICHET_SMTP_ALLOW_CLEARTEXT=true.`,
    )
  }
  return tls
}

/** Whom mail comes from. */
export function readMailFrom(read: Reader, name: string): string | undefined {
  const from = read.text(name)
  if (from !== undefined && !sender.test(from)) {
    read.problems.push(
      `${read.called(name)} must be an address like noreply@example.org or Example <noreply@example.org>.`,
    )
  }
  return from
}

/** What the mail of one contract has of its own. */
export interface RealmMail {
  from: string | undefined
  appUrl: string | undefined
}

/** By `<CONTRACT>_MAIL_FROM` and `<CONTRACT>_APP_URL`. */
export function readRealmMail(read: Reader, { contracts }: Plan): Partial<Record<ContractName, RealmMail>> {
  const own = contracts.flatMap((name) => {
    const prefix = name.toUpperCase()
    const mail = { from: readMailFrom(read, `${prefix}_MAIL_FROM`), appUrl: read.url(`${prefix}_APP_URL`) }
    return mail.from === undefined && mail.appUrl === undefined ? [] : [[name, mail] as const]
  })
  return Object.fromEntries(own) as Partial<Record<ContractName, RealmMail>>
}

/**
 * Outside development: where mailed links begin has to be said, since the address that a process listens on is not the one that people
 * reach, and they must not go over the network in clear.
 */
export function requireAppUrls(
  read: Reader,
  { contracts: names, services }: Plan,
  { appUrl, realmMail }: { appUrl: string | undefined; realmMail: Partial<Record<ContractName, RealmMail>> },
): void {
  if (!services.includes('identity')) return
  const mailing = names.filter((name) => Object.keys(contracts[name].realm.links).length > 0)
  const own = mailing.map((name) => ({ variable: `${name.toUpperCase()}_APP_URL`, url: realmMail[name]?.appUrl }))
  const shared = { variable: 'GUICHET_APP_URL', url: appUrl }
  for (const { variable, url } of [shared, ...own]) {
    if (
      url !== undefined &&
      URL.canParse(url) &&
      new URL(url).protocol !== 'https:' &&
      !isLoopbackHost(new URL(url).hostname)
    )
      read.problem(`${read.called(variable)} must begin with https: links in mail open accounts.`)
  }
  if (appUrl === undefined && own.some(({ url }) => url === undefined)) {
    read.problem(
      `${read.called('GUICHET_APP_URL')} is missing: set the address that mailed links begin with, as https://www.example.org.`,
    )
  }
}
