import type { Locale } from '../../../services/realm/index.ts'
import { type Html, html } from './escape.ts'
import { page } from './layout.ts'
import { accountWords, type LinkFailure } from './messages.ts'

/** In whose name a page speaks, and in which language: `title` is the contract's. */
export interface Speaker {
  locale: Locale
  title: string
}

/** A form that sends the token of the mailed link it was opened by. */
interface TokenForm extends Speaker {
  /** The path that the form is POSTed to, urlencoded; of the listener that answers the page. */
  action: string
  token: string
}

/**
 * Asks whether to confirm an address: one button that POSTs `token`. Opening the page consumes nothing, since the mail
 * scanners of many providers open every link.
 */
export function verifyEmailPage({ locale, title, action, token }: TokenForm): string {
  const { heading, text, button, unasked } = accountWords[locale].verify
  const more = html`${form({ action, token, button })}
<p class="note">${unasked}</p>`
  return speak({ locale, title }, heading, text(title), more)
}

/** The address is proven; `already`: it was before. */
export function verifiedPage({ already, ...speaker }: Speaker & { already: boolean }): string {
  const { verified, alreadyVerified } = accountWords[speaker.locale]
  const { heading, text } = already ? alreadyVerified : verified
  return speak(speaker, heading, text)
}

/** The mailed link leads nowhere, and what to do about it. */
export function linkFailedPage({ reason, ...speaker }: Speaker & { reason: LinkFailure }): string {
  const { heading, text } = accountWords[speaker.locale].linkFailed[reason]
  return speak(speaker, heading, text)
}

/**
 * Asks for a new password, twice: POSTs `token`, `password` and `confirmation`.
 * @param problem what was wrong with the last one, in the page's language
 */
export function resetPasswordPage(
  options: TokenForm & { problem?: string; minLength: number; kinds?: number },
): string {
  const { locale, title, action, token, problem, minLength, kinds = 0 } = options
  const { reset } = accountWords[locale]
  const invalid = problem === undefined ? undefined : html` aria-invalid="true"`
  const inputs = html`<label for="password">${reset.password}</label>
<p class="hint" id="hint">${reset.hint(minLength, kinds)}</p>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="${minLength}" aria-describedby="hint${problem === undefined ? '' : ' problem'}"${invalid}>
<label for="confirmation">${reset.confirmation}</label>
<input id="confirmation" name="confirmation" type="password" autocomplete="new-password" required${invalid}>
`
  const alert = problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>\n`
  return speak(
    { locale, title },
    reset.heading,
    reset.text(title),
    html`${alert}${form({ action, token, button: reset.button, inputs })}`,
    problem === undefined ? '' : reset.problem,
  )
}

/** Whoever has an account with that address gets a link; nobody is told whether there is one. */
export function linkMailedPage(speaker: Speaker): string {
  const { heading, text } = accountWords[speaker.locale].linkMailed
  return speak(speaker, heading, text)
}

/** The new address is the account's. */
export function addressChangedPage(speaker: Speaker): string {
  const { heading, text } = accountWords[speaker.locale].addressChanged
  return speak(speaker, heading, text)
}

/** The account is its owner's again. */
export function addressUndonePage(speaker: Speaker): string {
  const { heading, text } = accountWords[speaker.locale].addressUndone
  return speak(speaker, heading, text)
}

/** The password is replaced. */
export function passwordChangedPage(speaker: Speaker): string {
  const { heading, text } = accountWords[speaker.locale].changed
  return speak(speaker, heading, text)
}

export const speak = ({ locale, title }: Speaker, heading: string, text: string, more?: Html, prefix = ''): string =>
  page({
    locale,
    title: `${prefix}${heading} - ${title}`,
    body: html`<p class="service">${title}</p>
<h1>${heading}</h1>
<p>${text}</p>
${more}`,
  })

const form = (options: { action: string; token: string; button: string; inputs?: Html }): Html =>
  html`<form method="post" action="${options.action}">
<input type="hidden" name="token" value="${options.token}">
${options.inputs}<button type="submit">${options.button}</button>
</form>`
