import type { FastifyInstance } from 'fastify'
import { isLoopbackHost } from '../platform/http/loopback.ts'
import { hostNameOf } from './virtual-hosts.ts'

const explanation =
  'Misdirected request: in development only names of this machine are served, as localhost. ' +
  'GUICHET_DEV_HOSTS names others.\n'

/**
 * Serves names of this machine and `others` alone (421, RFC 9110, 15.5.20): what development trusts is on loopback, and a page
 * whose name is made to lead there (DNS rebinding) would be let in. Who states no name is no browser.
 */
export function serveLocalHosts(app: FastifyInstance, others: ReadonlySet<string>): void {
  app.addHook('onRequest', (request, reply, done) => {
    const host = hostNameOf(request.raw)
    if (host === '' || isLoopbackHost(host) || others.has(host)) return done()
    reply.code(421).type('text/plain; charset=utf-8').send(explanation)
  })
}
