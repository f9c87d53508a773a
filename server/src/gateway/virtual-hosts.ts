import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Contract } from '../contracts/_kit/contract.ts'
import { refuseAtEdge } from '../platform/errors.ts'
import type { Logger } from '../platform/log.ts'

export interface VirtualHosts {
  /** The contract that has a host name, which is given in lower case and without port; undefined: the default host. */
  contractAt: (name: string) => Contract | undefined
  /** Makes what answers on a contract's hosts: a listener that never listens. */
  open: (contract: Contract) => Promise<FastifyInstance>
  log: Logger
}

/**
 * Lets contracts answer on hosts of their own behind the server of `app`, which is the default host. One is made at its first
 * request, so that those nobody asks cost nothing; if that fails, the answer is the default host's 503 and the next request
 * tries again. Has to be called before `app` gets its routes.
 */
export function serveVirtualHosts(app: FastifyInstance, { contractAt, open, log }: VirtualHosts): void {
  const opened = new Map<Contract, FastifyInstance>()
  const opening = new Map<Contract, Promise<void>>()
  const openOnce = (contract: Contract): Promise<void> => {
    const underWay = opening.get(contract)
    if (underWay) return underWay
    const attempt = openHost(contract).finally(() => opening.delete(contract))
    opening.set(contract, attempt)
    return attempt
  }
  const openHost = async (contract: Contract) => {
    try {
      const host = await open(contract)
      await host.ready()
      opened.set(contract, host)
    } catch (error) {
      log.error({ err: error, contract: contract.name }, 'the host of a contract could not be made')
    }
  }

  const unavailable = new WeakSet<IncomingMessage>()
  app.addHook('onRequest', (request, _reply, done) => {
    if (unavailable.has(request.raw)) throw refuseAtEdge('edge.unavailable')
    done()
  })
  // Connections, and what cannot be read as HTTP, stay the one server's.
  app.server.off('request', app.routing).on('request', (request, response) => {
    const contract = contractAt(hostNameOf(request))
    if (!contract) return app.routing(request, response)
    const host = opened.get(contract)
    if (host) return host.routing(request, response)
    void openOnce(contract).then(() => {
      const made = opened.get(contract)
      if (!made) unavailable.add(request)
      const { routing } = made ?? app
      routing(request, response)
    })
  })
  // What they are answering goes on: the one server waits for it.
  app.addHook('preClose', async () => {
    await Promise.all(opening.values())
    await Promise.all([...opened.values()].map((host) => host.close()))
  })
}

/**
 * The name of the host that a request is for, without port, case and the dot of the root (RFC 9110, 7.2). A target in absolute
 * form counts in place of the header (RFC 9112, 3.2.2).
 */
export function hostNameOf({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): string {
  const stated = url.startsWith('/') ? undefined : /^https?:\/\/([^/?#]*)/i.exec(url)?.[1]
  const authority = stated ?? headers.host ?? ''
  return authority.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}
