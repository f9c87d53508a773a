import type { MailKind } from '../kinds.ts'

/** What a letter can speak of, in words already. */
export interface LetterFacts {
  title: string
  link: () => string
  code: () => string
  /** Such as "24 hours". */
  validFor: string
  /** Such as "3 March 2026 at 14:05 UTC". */
  at: string
  ip: string | undefined
}

/** One mail's words; the layout makes text and HTML of them. */
export interface Letter {
  subject: string
  /** What happened. */
  before: readonly string[]
  button?: { label: string; link: string }
  code?: string
  /** What else to know, and what to do if it was not you. */
  after: readonly string[]
}

/** All that is said in one language. */
export interface Messages {
  greeting(name: string | undefined): string
  letters: Readonly<Record<MailKind, (about: LetterFacts) => Letter>>
}
