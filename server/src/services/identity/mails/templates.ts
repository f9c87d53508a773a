import type { Locale } from '../../realm/index.ts'
import type { MailKind } from './kinds.ts'
import { htmlOf, textOf } from './layout.ts'
import { english } from './messages/en.ts'
import { french } from './messages/fr.ts'
import type { LetterFacts, Messages } from './messages/index.ts'

/** What a mail tells of. */
export interface MailFacts {
  /** Of the contract, for people. */
  title: string
  /** The display name, which anybody may have chosen. */
  name: string | null
  /** Where the mail's button leads; needed to prove an address and to reset a password. */
  link?: string | undefined
  /** The one-time code; needed by the second factor. */
  code?: string | undefined
  /** Minutes that link or code are good for, or that a lock lasts. */
  validFor: number
  /** When it happened. */
  at: Date
  /** Where it was done from. */
  ip?: string | undefined
}

export interface ComposedMail {
  subject: string
  text: string
  html: string
}

const messagesByLocale: Readonly<Record<Locale, Messages>> = { en: english, fr: french }
const dates: Readonly<Record<Locale, Intl.DateTimeFormat>> = { en: dateFormat('en-GB'), fr: dateFormat('fr-FR') }

/** Writes a mail. Throws when a fact that its kind cannot do without is missing. */
export function composeMail(kind: MailKind, facts: MailFacts, locale: Locale): ComposedMail {
  const messages = messagesByLocale[locale]
  const about: LetterFacts = {
    title: facts.title,
    link: () => needed(facts.link, kind, 'link'),
    code: () => needed(facts.code, kind, 'code'),
    validFor: duration(facts.validFor, locale),
    at: `${dates[locale].format(facts.at)} UTC`,
    ip: facts.ip,
  }
  const letter = messages.letters[kind](about)
  const page = { locale, title: facts.title, greeting: messages.greeting(greetable(facts.name)), ...letter }
  return { subject: letter.subject, text: textOf(page), html: htmlOf(page) }
}

function needed(fact: string | undefined, kind: MailKind, what: string): string {
  if (fact === undefined) throw new Error(`a mail of kind ${kind} needs a ${what}`)
  return fact
}

/**
 * A name that may stand in a mail. Whoever registers somebody else's address chooses the name: what mail programs would turn into
 * a link, or what is a message of its own, is left out (OWASP, content injection).
 */
function greetable(name: string | null): string | undefined {
  const trimmed = name?.trim() ?? ''
  return /^[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N} '’-]|\.(?= |$)){0,59}$/u.test(trimmed) ? trimmed : undefined
}

/** "90 minutes", "24 hours", "7 days": rounded down, so that it promises no more than is true. */
function duration(minutes: number, locale: Locale): string {
  const { unit, of } =
    minutes >= 2 * 1440
      ? ({ unit: 'day', of: 1440 } as const)
      : minutes >= 120 || minutes === 60
        ? ({ unit: 'hour', of: 60 } as const)
        : ({ unit: 'minute', of: 1 } as const)
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })
  return format.format(Math.floor(minutes / of))
}

function dateFormat(locale: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
}
