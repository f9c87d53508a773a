import { escapeHtml } from '../../../platform/html.ts'

/** Markup that may stand in a page as it is. */
export interface Html {
  readonly markup: string
}

type Value = Html | readonly Html[] | string | number | undefined

/** A template of HTML: what is put into it is escaped unless it is markup itself, and `undefined` leaves nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const markup = parts.map((part, index) => (index === 0 ? part : `${markupOf(values[index - 1])}${part}`)).join('')
  return { markup }
}

function markupOf(value: Value): string {
  if (value === undefined) return ''
  if (typeof value !== 'object') return escapeHtml(String(value))
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('\n')
}
