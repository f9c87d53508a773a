import { type Locale, locales } from '../../services/realm/index.ts'

/** Nobody speaks more; what comes after is not looked at. */
const mostRanges = 32

/**
 * The language of ours that an `Accept-Language` prefers by its quality values, the first of equals (RFC 9110, 12.5.4);
 * undefined when it wants none of them or anything (`*`). A region counts as its language: `fr-CA` is `fr`.
 */
export function localeOf(acceptLanguage: string | undefined): Locale | undefined {
  if (acceptLanguage === undefined) return undefined
  let best: { ours: Locale; quality: number } | undefined
  for (const range of (acceptLanguage ?? '').split(',', mostRanges)) {
    const [tag = '', weight] = range.split(';', 2)
    const [language = ''] = tag.trim().toLowerCase().split('-', 1)
    const quality = qualityOf(weight)
    const ours = locales.find((locale) => locale === language)
    if (ours && quality > (best?.quality ?? 0)) best = { ours, quality }
  }
  return best?.ours
}

/** 0 to 1; a weight that is none counts as 0, since nobody can tell what was meant. */
function qualityOf(weight: string | undefined): number {
  if (weight === undefined) return 1
  const [, quality = '0'] = /^\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/i.exec(weight) ?? []
  return Number(quality)
}
