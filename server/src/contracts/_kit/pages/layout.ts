import { sha256 } from '../../../platform/secrets.ts'
import type { Locale } from '../../../services/realm/index.ts'
import { type Html, html } from './escape.ts'
import { style } from './style.ts'

/** A complete HTML document without scripts: `title` names it, `body` is what it says. */
export const page = ({ locale, title, body }: { locale: Locale; title: string; body: Html }): string =>
  html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${{ markup: style }}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`.markup

/**
 * The headers of every page. Its own style by hash (CSP 3, 2.3.1) and forms to ourselves are all that a browser may do.
 * Tokens stand in these pages' addresses, so that nobody else is told them and nothing keeps them. We are told: without a referrer
 * a browser says of our own form too that it comes from no origin.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${sha256(style).toString('base64')}'`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
}
