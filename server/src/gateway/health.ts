import type { FastifyInstance } from 'fastify'
import type { Listening } from '../config.ts'
import { type Contract, type HealthOf, type ServiceName, serviceNames } from '../contracts/_kit/contract.ts'

/** Asks one service whether it works; rejects when it does not, or does not say within two seconds. */
export type Probe = () => Promise<void>
export type Probes = Readonly<Partial<Record<ServiceName, Probe>>>

/**
 * The health routes of a listener: the contract's own, which really ask every service they tell of, and two for orchestrators:
 * `/livez` (the process answers) and `/readyz` (its own services work).
 * @param probes every service that this listener can reach
 * @param own those that run in this process
 */
export function healthRoutes(
  app: FastifyInstance,
  options: { contract: Contract; unit: Listening; probes: Probes; own: Probes },
) {
  const { contract, unit, probes, own } = options
  // On a gateway its own routes come first; a path that it does not use itself tells of the service.
  const order: readonly HealthOf[] = unit.gateway ? ['gateway', ...serviceNames] : unit.services
  const byUrl = new Map<string, HealthOf>()
  for (const of of order) {
    for (const route of contract.healthRoutes) if (route.of === of && !byUrl.has(route.url)) byUrl.set(route.url, of)
  }
  for (const [url, of] of byUrl) {
    const probe = of === 'gateway' ? undefined : probes[of]
    const asked = of === 'gateway' ? probes : probe ? { [of]: probe } : {}
    app.get(url, { config: { endpoint: url } }, async (_request, reply) => {
      const services = await ask(asked)
      const healthy = Object.values(services).every(Boolean)
      const { status, body } = contract.health({ of, healthy, services })
      return reply.code(status).header('cache-control', 'no-store').send(body)
    })
  }
  app.get('/livez', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const services = await ask(own)
    const ready = Object.values(services).every(Boolean)
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', services })
  })
}

async function ask(probes: Probes): Promise<Partial<Record<ServiceName, boolean>>> {
  const answers = await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => {
      const up = await probe().then(
        () => true,
        () => false,
      )
      return [name, up] as const
    }),
  )
  return Object.fromEntries(answers)
}
