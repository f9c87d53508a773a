import { escapeHtml } from '../../../platform/html.ts'
import type { Locale } from '../../realm/index.ts'
import type { Letter } from './messages/index.ts'

interface Page extends Letter {
  locale: Locale
  title: string
  greeting: string
}

/** French sets a space before it that does not break. */
const colon: Readonly<Record<Locale, string>> = { en: ':', fr: '\u00a0:' }

/** The mail as plain text: paragraphs with an empty line between, link and code on lines of their own. */
export function textOf({ locale, greeting, before, button, code, after, title }: Page): string {
  const action = [button && `${button.label}${colon[locale]}\n${button.link}`, code].filter(
    (part) => part !== undefined,
  )
  return `${[greeting, ...before, ...action, ...after, `-- \n${title}`].join('\n\n')}\n`
}

const body = 'margin:0;padding:24px 16px;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif'
const buttonStyle =
  'display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;font-weight:600;text-decoration:none'
const codeStyle =
  'display:inline-block;padding:12px 20px;border:2px solid #808080;border-radius:6px;font:600 28px/1 ui-monospace,Menlo,Consolas,monospace;letter-spacing:6px'

/**
 * The mail as HTML with inline styles and nothing remote. Text and background keep the reader's own colours, which is what dark
 * mode wants; only the button has a pair of its own.
 */
export function htmlOf({ locale, subject, greeting, before, button, code, after, title }: Page): string {
  return `<!doctype html>
<html lang="${locale}" style="color-scheme:light dark">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escapeHtml(subject)}</title>
</head>
<body style="${escapeHtml(body)}">
<div style="max-width:560px;margin:0 auto">
${[
  paragraph(greeting),
  ...before.map(paragraph),
  ...(button ? [linked(button)] : []),
  ...(code === undefined
    ? []
    : [`<p style="margin:24px 0"><strong style="${codeStyle}">${escapeHtml(code)}</strong></p>`]),
  ...after.map(paragraph),
  `<p style="margin:32px 0 0;opacity:.8">${escapeHtml(title)}</p>`,
].join('\n')}
</div>
</body>
</html>
`
}

const paragraph = (text: string): string => `<p style="margin:0 0 16px">${escapeHtml(text)}</p>`

// The address itself stands below its button: some programs show no buttons, and some people look before they click.
const linked = ({ label, link }: { label: string; link: string }): string =>
  `<p style="margin:24px 0 8px"><a href="${escapeHtml(link)}" target="_blank" rel="noopener" style="${buttonStyle}">${escapeHtml(label)}</a></p>
<p style="margin:0 0 24px;font-size:14px;overflow-wrap:anywhere;opacity:.8">${escapeHtml(link)}</p>`
