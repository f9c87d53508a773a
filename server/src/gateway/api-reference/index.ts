import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Contract } from '../../contracts/_kit/contract.ts'
import { serveAssets } from './assets.ts'
import { assetUrl, type ReferenceEntry, referencePage } from './page.ts'

/** Where the reference stands on every listener; a contract's own is below. */
const home = '/apidocs'

/**
 * What a page may do: run and show our own files, and ask our own listener and its contract's hosts (CSP 3). Swagger UI sets single
 * styles by script, which this allows, and draws its icons from `data:` addresses.
 */
const headersOf = (origins: readonly string[]): Readonly<Record<string, string>> => ({
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self'", ...origins].join(' '),
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
})

/**
 * Serves the API reference, complete without any other host: `/apidocs` shows the first contract and leads to the others,
 * `/apidocs/<contract>` shows that one.
 * @param documentUrlOf the path of a contract's OpenAPI document, which the caller serves
 * @param originsOf where calls of a contract go that this listener does not serve
 */
export function apiReference(
  app: FastifyInstance,
  options: {
    contracts: readonly [Contract, ...Contract[]]
    documentUrlOf: (contract: Contract) => string
    originsOf: (contract: Contract, request: FastifyRequest) => readonly string[]
  },
): void {
  const { contracts, documentUrlOf, originsOf } = options
  const entryOf = (contract: Contract): ReferenceEntry => ({
    title: contract.title,
    url: urlOf(contract),
    documentUrl: documentUrlOf(contract),
  })
  const serve = (url: string, shown: Contract): void => {
    const text = referencePage(contracts.map(entryOf), entryOf(shown))
    app.get(url, async (request, reply) => reply.headers(headersOf(originsOf(shown, request))).send(text))
  }
  serve(home, contracts[0])
  for (const contract of contracts) serve(urlOf(contract), contract)
  const others = contracts
    .toReversed()
    .flatMap((one) => (one.hosting?.referenceUrls ?? []).map((url) => [url, one] as const))
  app.get(`${home}/`, async (_request, reply) => reply.redirect(home))
  for (const [url, owner] of new Map(others)) app.get(url, async (_request, reply) => reply.redirect(urlOf(owner)))
  serveAssets(app, assetUrl)
}

const urlOf = ({ name }: Contract): string => `${home}/${name}`
