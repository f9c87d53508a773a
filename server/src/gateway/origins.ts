import type { FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import type { Contract, Route } from '../contracts/_kit/contract.ts'
import type { AllowsOrigin } from '../platform/http/app.ts'
import { pathOf, patternOf } from './paths.ts'

/**
 * Which origins may read an answer: a contract's own rule, or the configured list.
 * @param served the contracts of a listener, with the routes that it serves of each
 */
export const allowedOrigins =
  (served: ReadonlyMap<Contract, readonly Route[]>, configured: Config['corsOrigins']): AllowsOrigin =>
  (origin, request) => {
    const owner = ownerOf(served, request)
    if (owner?.browser?.origins === 'any') return 'without cookies'
    const listed = configured.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)))
    return listed ? 'with cookies' : 'no'
  }

/** The contract that a request, or the one that a preflight announces, belongs to. */
function ownerOf(served: ReadonlyMap<Contract, readonly Route[]>, request: FastifyRequest): Contract | undefined {
  const { method, headers } = request
  const path = pathOf(request)
  const announced = method === 'OPTIONS' ? headers['access-control-request-method'] : method
  const fits = (route: Route) => route.method === announced && patternOf(route.url).test(path)
  const [first, ...others] = served
  const owner = [...served].find(([, routes]) => routes.some(fits)) ?? (others.length === 0 ? first : undefined)
  return owner?.[0]
}
