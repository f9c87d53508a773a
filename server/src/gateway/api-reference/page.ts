import { html } from '../../contracts/_kit/pages/escape.ts'

/** One contract in the reference. */
export interface ReferenceEntry {
  title: string
  /** Path of its page. */
  url: string
  /** Path of its OpenAPI document. */
  documentUrl: string
}

/** The path of a file that the pages load. */
export const assetUrl = (name: string): string => `/apidocs/assets/${name}`

/** The page that shows one contract's OpenAPI document, with the way to the others. */
export function referencePage(entries: readonly ReferenceEntry[], shown: ReferenceEntry): string {
  const current = html` aria-current="page"`
  const links = entries.map(
    ({ title, url }) => html`<a href="${url}"${url === shown.url ? current : undefined}>${title}</a>`,
  )
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${shown.title} API reference</title>
<link rel="icon" type="image/png" href="${assetUrl('favicon-32x32.png')}">
<link rel="stylesheet" href="${assetUrl('swagger-ui.css')}">
<link rel="stylesheet" href="${assetUrl('reference.css')}">
<script src="${assetUrl('swagger-ui-bundle.js')}" defer></script>
<script src="${assetUrl('reference.js')}" defer></script>
</head>
<body>
${entries.length > 1 ? html`<nav aria-label="Contracts">${links}</nav>` : undefined}
<main id="reference" data-document="${shown.documentUrl}"></main>
<noscript><p>The reference needs scripts. The <a href="${shown.documentUrl}">OpenAPI document</a> says the same.</p></noscript>
</body>
</html>
`.markup
}
