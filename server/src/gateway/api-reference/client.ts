/**
 * Starts Swagger UI on the page's document. Its validator badge would tell another host the document's address, and an
 * address from the query would let a link show a stranger's document as ours: both are off.
 */
export const referenceScript = String.raw`const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

// From a pattern, Swagger UI makes up examples of random characters; that text holds no NUL is nothing to read at each field.
const calm = (_key, node) => {
  if (typeof node?.pattern !== 'string') return node
  const { pattern, ...rest } = node
  return pattern === '^[^\\u0000]*$' ? rest : { examples: ['string'], ...node }
}
const calmly = () => ({
  statePlugins: {
    spec: { wrapActions: { updateSpec: (update) => (text) => update(JSON.stringify(JSON.parse(text, calm))) } },
  },
})

const root = document.getElementById('reference')
SwaggerUIBundle({
  domNode: root,
  url: root.dataset.document,
  validatorUrl: null,
  queryConfigEnabled: false,
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  plugins: [calmly],
})
`

/** Our part of the page, and what Swagger UI shows with too little contrast or too much space. */
export const referenceStyle = `
:root { color-scheme: light dark; --ground: #fff; --text: #1b1f29; --line: #d9dce4; --link: #1f45a8; }
:root.dark-mode { --ground: #1c2022; --text: #eceef4; --line: #3a4046; --link: #a9c1ff; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
nav {
  display: flex; flex-wrap: wrap; gap: 0 24px; max-width: 1460px; margin: 0 auto; padding: 4px 20px;
  border-bottom: 1px solid var(--line);
}
nav a { display: inline-flex; align-items: center; min-height: 48px; text-decoration: none; }
nav a, noscript a { color: var(--link); }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { color: inherit; font-weight: 700; box-shadow: inset 0 -3px var(--link); }
nav a:focus-visible { outline: 3px solid var(--link); outline-offset: -3px; }
.swagger-ui .info { margin: 24px 0 0; }
.swagger-ui .info .link { color: var(--link); }
.swagger-ui .scheme-container { padding: 0 0 20px; box-shadow: none; border-bottom: 1px solid var(--line); }
.swagger-ui .info .title small, .swagger-ui .info .title small.version-stamp { background: #4a5163; }
.swagger-ui .btn.authorize { color: var(--link); border-color: var(--link); }
.swagger-ui .auth-wrapper .btn.authorize svg { fill: var(--link); }
.swagger-ui .opblock .opblock-summary-method { color: #10131a; text-shadow: none; }
.swagger-ui .response-col_links { display: none; }
noscript p { padding: 0 20px; }
`
