import { type Speaker, speak } from './account.ts'
import { type Html, html } from './escape.ts'
import { accountWords } from './messages.ts'

interface Form extends Speaker {
  /** The path that the form is POSTed to. */
  action: string
  /** What was wrong with what was sent, in the page's language. */
  problem?: string | undefined
}

/** Asks who somebody is: to mail them a link, or to have them show their password. */
export function identifyPage(options: Form & { purpose: 'forgot' | 'choose'; tenant: boolean; other: string }): string {
  const { locale, title, purpose, tenant, other } = options
  const words = accountWords[locale].identify
  const { heading, text, button, other: instead } = words[purpose]
  const named = tenant ? field({ name: 'tenant', label: words.tenant, autocomplete: 'organization' }) : undefined
  const who =
    purpose === 'forgot'
      ? field({ name: 'identifier', label: words.address, type: 'email', autocomplete: 'email' })
      : field({ name: 'identifier', label: words.name, autocomplete: 'username' })
  const password =
    purpose === 'choose' &&
    field({ name: 'password', label: words.password, type: 'password', autocomplete: 'current-password' })
  return form(options, heading, text(title), {
    inputs: html`${named}${who}${password || undefined}`,
    button,
    more: html`<p class="note"><a href="${other}">${instead}</a></p>`,
  })
}

/** Asks for the code that was mailed. */
export function codePage(options: Form & { sessionToken: string; code: string | undefined; token?: string }): string {
  const { heading, text, label, button, shown } = accountWords[options.locale].code
  const { sessionToken, code, token } = options
  return form(options, heading, code === undefined ? text : `${text} ${shown(code)}`, {
    inputs: html`${token === undefined ? undefined : hidden('token', token)}${hidden('session_token', sessionToken)}${field({ name: 'code', label, autocomplete: 'one-time-code', inputmode: 'numeric' })}`,
    button,
  })
}

/** Asks whether to use an address, with the password, or whether to take it back. */
export function addressPage(
  options: Form & { purpose: 'change' | 'undo'; email: string; token: string; needsPassword?: boolean },
): string {
  const { locale, title, purpose, email, token, needsPassword = purpose === 'change' } = options
  const words = accountWords[locale].address
  const { heading, text, button } = words[purpose]
  const password =
    needsPassword &&
    field({ name: 'password', label: words.password, type: 'password', autocomplete: 'current-password' })
  return form(options, heading, text(email, title), {
    inputs: html`${hidden('token', token)}${password || undefined}`,
    button,
  })
}

const hidden = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}">\n`

const field = (of: { name: string; label: string; type?: string; autocomplete: string; inputmode?: string }): Html =>
  html`<label for="${of.name}">${of.label}</label>
<input id="${of.name}" name="${of.name}" type="${of.type ?? 'text'}" autocomplete="${of.autocomplete}" inputmode="${of.inputmode ?? 'text'}" required>
`

function form(
  { locale, title, action, problem }: Form,
  heading: string,
  text: string,
  { inputs, button, more }: { inputs: Html; button: string; more?: Html },
): string {
  const alert = problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>\n`
  const prefix = problem === undefined ? '' : accountWords[locale].reset.problem
  return speak(
    { locale, title },
    heading,
    text,
    html`${alert}<form method="post" action="${action}">
${inputs}<button type="submit">${button}</button>
</form>
${more}`,
    prefix,
  )
}
