import type { FastifyRequest } from 'fastify'
import type { AllowsOrigin } from '../../platform/http/app.ts'

/**
 * True for an order that a page gives whose origin nobody let in here (RFC 6454, and fetch metadata). A page that may not read our
 * answers sends no orders either, whatever cookies its browser adds to them or would keep of them: SameSite does not tell apart
 * what shares a registered domain, or a machine, and a form as `text/plain` asks nobody before. Whoever is no page says nothing of
 * an origin, and a Bearer is added by no browser.
 * @param bearer the token that the request carries by itself
 * @param allowsOrigin absent where a gateway of ours has asked already
 */
export function isOrderOfForeignPage(
  request: FastifyRequest,
  bearer: string | undefined,
  allowsOrigin: AllowsOrigin | undefined,
): boolean {
  if (bearer !== undefined || !allowsOrigin || /^(GET|HEAD)$/.test(request.method)) return false
  const { origin, 'sec-fetch-site': site } = request.headers
  if (site === 'same-origin' || site === 'none' || (origin === undefined && site === undefined)) return false
  // Behind a proxy that ends TLS the scheme may be another one here.
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.host) return false
  // Where every origin may read, its page may write too: with what it knows, as any program may.
  return allowsOrigin(origin ?? 'null', request) === 'no'
}
