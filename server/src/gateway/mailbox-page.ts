import type { FastifyInstance, FastifyReply } from 'fastify'
import { escapeHtml } from '../platform/html.ts'
import type { RenderedMail } from '../services/identity/index.ts'

const listUrl = '/dev/mailbox'

/**
 * Development's mailbox: the newest mails with their links and codes, for people (HTML) and for tests (`Accept: application/json`).
 * It shows secrets to whoever asks, so it is served in development only.
 */
export function mailboxRoutes(app: FastifyInstance, recent: () => Promise<RenderedMail[]>): void {
  app.get(listUrl, async ({ headers }, reply) => {
    const mails = await recent()
    return wantsJson(headers.accept) ? asJson(reply, mails) : asPage(reply, 'Mailbox', list(mails))
  })
  app.get<{ Params: { id: string } }>(`${listUrl}/:id`, async ({ headers, params }, reply) => {
    const mail = (await recent()).find(({ id }) => id === params.id)
    if (!mail) {
      const gone = `${back}<h1>No such mail</h1><p>Only the newest mails are kept here.</p>`
      return asPage(reply.code(404), 'No such mail', gone)
    }
    return wantsJson(headers.accept) ? asJson(reply, mail) : asPage(reply, mail.subject, detail(mail))
  })
}

const wantsJson = (accept: string | undefined): boolean => accept?.includes('application/json') ?? false

const asJson = (reply: FastifyReply, body: RenderedMail | RenderedMail[]) =>
  reply.header('cache-control', 'no-store').send(body)

/** No script runs here, neither ours nor a mail's; the frame is bound by this policy too. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const asPage = (reply: FastifyReply, title: string, content: string) =>
  reply
    .header('content-security-policy', policy)
    // The page links to addresses that hold tokens, and has one that tells which mail it was.
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body><main>${content}</main></body>
</html>
`)

const style = `
:root { color-scheme: light dark; --line: light-dark(#d9dce1, #3a3f47); --quiet: light-dark(#5a6270, #a5adba); --accent: light-dark(#1f5fbf, #8ab4f8) }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#ffffff, #16181c); color: light-dark(#16181c, #e8eaed) }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.4rem; margin: .5rem 0; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem }
a { color: var(--accent) }
ul { list-style: none; margin: 0; padding: 0 }
li a { display: block; padding: .75rem .25rem; border-bottom: 1px solid var(--line); color: inherit; text-decoration: none }
li a:hover, li a:focus-visible { background: light-dark(#f2f5fa, #20242b) }
li strong { display: block; overflow-wrap: anywhere }
.quiet { color: var(--quiet); overflow-wrap: anywhere }
.dead { color: light-dark(#b3261e, #f2b8b5) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid var(--line); border-radius: 6px }
iframe { width: 100%; height: 32rem; border: 1px solid var(--line); border-radius: 6px; color-scheme: light dark }
`

const back = `<p><a href="${listUrl}">← Mailbox</a></p>`

const list = (mails: readonly RenderedMail[]): string =>
  `<h1>Mailbox</h1>${
    mails.length === 0
      ? '<p class="quiet">No mail yet. What would be sent shows here; load the page again.</p>'
      : `<ul>${mails.map(item).join('')}</ul>`
  }`

const item = (mail: RenderedMail): string =>
  `<li><a href="${listUrl}/${encodeURIComponent(mail.id)}"><strong>${escapeHtml(mail.subject)}</strong><span class="quiet">${escapeHtml(mail.to)} · ${state(mail)}</span></a></li>`

const detail = (mail: RenderedMail): string =>
  `${back}<h1>${escapeHtml(mail.subject)}</h1>
<p class="quiet">To ${escapeHtml(mail.to)} · ${escapeHtml(mail.contract)} · ${escapeHtml(mail.kind)} · ${state(mail)}</p>
<h2>Text</h2>
<pre>${linked(mail.text)}</pre>
<h2>HTML</h2>
<iframe title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="${escapeHtml(mail.html)}"></iframe>`

function state({ createdAt, sentAt, deadAt, attempts, lastError }: RenderedMail): string {
  const because = lastError === null ? '' : `: ${escapeHtml(lastError)}`
  if (deadAt) return `<span class="dead">given up ${time(deadAt)}${because}</span>`
  if (sentAt) return `sent ${time(sentAt)}${because}`
  return attempts === 0 ? `waiting since ${time(createdAt)}` : `waiting, tried ${attempts} times${because}`
}

const time = (at: Date): string =>
  `<time datetime="${at.toISOString()}">${at.toISOString().slice(0, 19).replace('T', ' ')} UTC</time>`

/** Escapes a text and makes its web addresses links. */
const linked = (text: string): string =>
  escapeHtml(text).replaceAll(
    /https?:\/\/[^\s<]+/g,
    (url) => `<a href="${url}" target="_blank" rel="noopener">${url}</a>`,
  )
