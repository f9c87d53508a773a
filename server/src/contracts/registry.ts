import { refuseAtEdge } from '../platform/errors.ts'
import type { Terms } from '../services/identity/index.ts'
import type { Contract } from './_kit/contract.ts'
import { shop } from './shop/index.ts'

/** Every contract there is, by name. */
export const contracts = { shop } as const satisfies Record<string, Contract>
export type ContractName = keyof typeof contracts

/** Seconds the longest-lived access token of any contract lives. */
export const longestAccessTtl = Math.max(...Object.values(contracts).map(({ terms }) => terms.policy.accessTtl))

/** The terms of a contract that another process names. */
export function termsOf(name: string): Terms {
  const contract = Object.values(contracts).find((one) => one.name === name)
  if (!contract) throw refuseAtEdge('edge.bad_request', { contract: name })
  return contract.terms
}
