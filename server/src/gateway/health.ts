import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import type { Listening } from '../config/listeners.ts'
import type { Contract, HealthOf } from '../contracts/_kit/contract.ts'
import { type ServiceName, serviceNames } from '../contracts/_kit/services.ts'
import { internalErrorHeader, internalTokenHeader } from '../platform/http/internal-client.ts'
import { sameSecret } from '../platform/secrets.ts'

/** The version of the contracts' API that health tells: they are all at their first. */
const version = '1.0.0'

/** Asks one service whether it works; rejects when it does not, or does not say within two seconds. */
export type Probe = () => Promise<void>
export type Probes = Readonly<Partial<Record<ServiceName, Probe>>>

/**
 * The health routes of a listener: the contract's own, which really ask every service they tell of, and two for orchestrators:
 * `/livez` (the process answers) and `/readyz` (its own services work; to another process of ours also: and you have our token).
 * @param probes every service that this listener can reach
 * @param own those that run in this process
 */
export function healthRoutes(
  app: FastifyInstance,
  options: {
    contract: Contract
    unit: Listening
    probes: Probes
    own: Probes
    /** Absent where there is no Redis. */
    probeRedis: Probe | undefined
    config: Config
    /** By which another process of ours says that it is one. */
    serviceToken: string
  },
) {
  const { contract, unit, probes, own, probeRedis, config, serviceToken } = options
  const { instanceId, serviceName, development } = config
  // On a gateway its own routes come first; a path that it does not use itself tells of the service.
  const order: readonly HealthOf[] = unit.gateway ? ['gateway', ...serviceNames] : unit.services
  const byUrl = new Map<string, HealthRoute>()
  for (const of of order) {
    for (const route of contract.healthRoutes) if (route.of === of && !byUrl.has(route.url)) byUrl.set(route.url, route)
  }
  for (const { url, of, asks = [] } of byUrl.values()) {
    // A service that this process cannot ask says nothing.
    const names: readonly string[] = of === 'gateway' ? serviceNames : [of, ...asks]
    const asked = Object.fromEntries(Object.entries(probes).filter(([name]) => names.includes(name)))
    app.get(url, { config: { endpoint: url } }, async (_request, reply) => {
      const [services, redis] = await Promise.all([ask(asked), probeRedis ? answers(probeRedis) : true])
      const healthy = redis && Object.values(services).every(Boolean)
      const uptimeSeconds = Math.floor(process.uptime())
      const about = { version, instanceId, serviceName, uptimeSeconds, development }
      const { status, body } = contract.health({ of, url, healthy, services, redis, ...about })
      return reply.code(status).header('cache-control', 'no-store').send(body)
    })
  }
  app.get('/livez', async () => ({ status: 'ok' }))
  app.get('/readyz', async (request, reply) => {
    const token = request.headers[internalTokenHeader]
    // A process of ours that has another token is answered nothing else either.
    if (typeof token === 'string' && !sameSecret(token, serviceToken)) {
      return reply.code(401).header(internalErrorHeader, 'token').send({ status: 'unavailable', services: {} })
    }
    const services = await ask(own)
    const ready = Object.values(services).every(Boolean)
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', services })
  })
}

type HealthRoute = Contract['healthRoutes'][number]

const answers = (probe: Probe): Promise<boolean> =>
  probe().then(
    () => true,
    () => false,
  )

async function ask(probes: Probes): Promise<Partial<Record<ServiceName, boolean>>> {
  const states = await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => [name, await answers(probe)] as const),
  )
  return Object.fromEntries(states)
}
