import type { MailMessage } from '../../../platform/mail.ts'
import { type Locale, locales, type Realm } from '../../realm/index.ts'
import type { MailRow } from '../store/mails.ts'
import type { ChallengeSecrets } from '../tokens/challenge-secrets.ts'
import { isMailKind, type MailKind } from './kinds.ts'
import { composeMail, type MailFacts } from './templates.ts'

/** What a mail is written from, beside its row. */
export interface MailSources {
  secrets: ChallengeSecrets
  realmNamed(contract: string): Realm | undefined
  /** Where people reach the contract, without a path of its own: `https://www.example.org`. */
  baseUrlOf(contract: string): string
  /** Whom a contract's mail comes from; the transport's own sender when absent. */
  senderOf?(contract: string): string
}

/** A contract, a kind or a fact that this process does not have: perhaps the next version of it does. */
export class CannotWrite extends Error {
  override readonly name = 'CannotWrite'
}

/** Whom a mail goes to: where a link is mailed, where the account was before, else where it is. */
const recipients: Readonly<Record<MailKind, (row: MailRow) => string | null>> = {
  verify_email: ({ linkEmail }) => linkEmail,
  reset_password: ({ linkEmail }) => linkEmail,
  mfa_code: ({ email }) => email,
  password_changed: ({ email }) => email,
  account_locked: ({ email }) => email,
  account_locked_by_codes: ({ email }) => email,
  codes_guessed: ({ email }) => email,
  locked_everywhere: ({ email }) => email,
  new_device: ({ email }) => email,
  confirm_address: ({ linkEmail }) => linkEmail,
  address_changed: ({ linkEmail }) => linkEmail,
  invited: ({ linkEmail }) => linkEmail,
  joined: ({ email }) => email,
  added: ({ email }) => email,
  how_to_join: ({ email }) => email,
}

/** The kinds that are worthless without a challenge that is open. */
const carriesSecret: ReadonlySet<string> = new Set<MailKind>([
  'verify_email',
  'reset_password',
  'invited',
  'confirm_address',
  'mfa_code',
])

/** False when what the mail carries was used, revoked, or has expired. */
export const stillNeeded = ({ kind, challengeOpen }: MailRow): boolean => challengeOpen || !carriesSecret.has(kind)

/** Writes the mail of a job; undefined when it has nobody to go to. Throws `CannotWrite`, which names no fact. */
export function writeMail(row: MailRow, sources: MailSources): MailMessage | undefined {
  const { id, kind } = row
  if (!isMailKind(kind)) throw new CannotWrite('unknown kind of mail')
  const to = recipients[kind](row)
  if (to === null) return undefined
  const realm = sources.realmNamed(row.contract)
  if (!realm) throw new CannotWrite('unknown contract')
  const from = sources.senderOf?.(row.contract)
  return { id, to, from, ...composeMail(kind, factsOf(kind, row, realm, sources), localeOf(row.locale)) }
}

function factsOf(kind: MailKind, row: MailRow, realm: Realm, { secrets, baseUrlOf }: MailSources): MailFacts {
  const { accountId, challengeId, contract } = row
  const about: MailFacts = {
    title: realm.title,
    name: row.displayName,
    validFor: kind.startsWith('account_locked') ? Math.ceil(realm.policy.lockout.seconds / 60) : row.minutesLeft,
    at: row.createdAt,
    ip: row.ip ?? undefined,
  }
  if (challengeId === null) return about
  if (kind === 'mfa_code') return { ...about, code: secrets.codeOf(challengeId) }
  const link = { accountId, token: secrets.tokenOf(challengeId) }
  const path = linkOf[kind]?.(realm.links, link)
  if (path === undefined) throw new CannotWrite('the realm mails no such link')
  return { ...about, link: `${baseUrlOf(contract).replace(/\/+$/, '')}${path}` }
}

/** Where the button of a mail leads, by its kind. */
const linkOf: Readonly<
  Partial<Record<MailKind, (links: Realm['links'], link: { accountId: string; token: string }) => string | undefined>>
> = {
  verify_email: (links, link) => links.verifyEmail?.(link),
  reset_password: (links, link) => links.resetPassword(link),
  invited: (links, link) => links.resetPassword(link),
  confirm_address: (links, link) => links.changeAddress(link),
  address_changed: (links, link) => links.undoAddress(link),
}

const localeOf = (stored: string): Locale => locales.find((locale) => locale === stored) ?? 'en'
