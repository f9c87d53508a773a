import type { FastifyRequest } from 'fastify'
import type { Contract } from '../contracts/_kit/contract.ts'
import { hostNameOf } from './virtual-hosts.ts'

/** By which contract and for which host a request came, for the log. @param home the contract of what belongs to none */
export function requestOrigin(
  { routeOptions, raw }: FastifyRequest,
  home: Contract,
): { contract: string; host: string } {
  const { contract = home } = routeOptions.config as { contract?: Contract }
  return { contract: contract.name, host: hostNameOf(raw) }
}
