import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import type { Contract, Route } from '../contracts/_kit/contract.ts'
import { type OpenApiDocument, openApiOf } from '../contracts/_kit/openapi/index.ts'
import { refuseAtEdge } from '../platform/errors.ts'
import type { Metrics } from '../platform/http/metrics.ts'
import { sameSecret } from '../platform/secrets.ts'
import { apiReference } from './api-reference/index.ts'

/**
 * Open in development and to programs of the same machine; for everybody else it wants a token as a Bearer, as Prometheus'
 * `authorization` sends it, and does not exist without.
 */
export function metricsRoute(app: FastifyInstance, metrics: Metrics, { development, metricsToken }: Config): void {
  app.get('/metrics', async (request, reply) => {
    const given = request.headers.authorization?.replace(/^bearer +/i, '')
    const known = metricsToken !== undefined && given !== undefined && sameSecret(given, metricsToken)
    if (!development && !known && !isLocal(request)) throw refuseAtEdge('edge.not_found')
    const { type, text } = await metrics.render()
    return reply.type(type).send(text)
  })
}

/** From this machine itself, and not by a proxy on it that speaks for strangers. */
const isLocal = ({ socket, headers }: FastifyRequest): boolean =>
  /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '') &&
  ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'].every((name) => headers[name] === undefined)

const documentUrlOf = ({ name }: Contract) => `/openapi/${name}.json`

/**
 * The contracts' descriptions for machines, and for people.
 * @param hostsOf the hosts of a contract that another listener answers for: calls go there, by the scheme and port that we are asked by
 */
export function documentRoutes(
  app: FastifyInstance,
  options: {
    contracts: readonly [Contract, ...Contract[]]
    routesOf: (contract: Contract) => readonly Route[]
    hostsOf: (contract: Contract) => readonly string[]
  },
): void {
  const { contracts, routesOf, hostsOf } = options
  const originsOf = (contract: Contract, { protocol, port }: FastifyRequest) =>
    hostsOf(contract).map((host) => `${protocol}://${host}${port ? `:${port}` : ''}`)
  for (const contract of contracts) {
    // When it is first asked for: starts do not wait for what readers want.
    let document: OpenApiDocument | undefined
    app.get(documentUrlOf(contract), async (request) => {
      document ??= openApiOf(contract, routesOf(contract))
      const servers = originsOf(contract, request).map((url) => ({ url, description: 'Its own host' }))
      return servers.length > 0 ? { ...document, servers } : document
    })
  }
  apiReference(app, { contracts, documentUrlOf, originsOf })
}

/** What the bare address answers: the first contract's greeting, or else the contracts with their OpenAPI documents. */
export function indexRoute(app: FastifyInstance, contracts: readonly [Contract, ...Contract[]]): void {
  const greeting = contracts[0].hosting?.greeting
  if (greeting !== undefined) {
    app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(greeting))
    return
  }
  app.get('/', async () => ({
    name: 'guichet',
    contracts: contracts.map((contract) => ({
      name: contract.name,
      title: contract.title,
      openapi: documentUrlOf(contract),
    })),
    reference: '/apidocs',
    health: '/health',
  }))
}
