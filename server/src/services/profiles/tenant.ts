import type { RequestContext } from '../realm/index.ts'
import { refuse } from './errors.ts'

/** The name of a tenant as profiles compares it: without case. */
export const tenantNamed = (name: string): string => name.toLowerCase()

/** The tenant whose profiles one sees by this contract. Where requests name the tenant nobody is told by the contract, and sees none. */
export function tenantOf({ realm }: RequestContext): string {
  const { tenant } = realm.policy
  if (tenant === 'named') throw refuse('profiles.not_found')
  return tenantNamed(tenant.name)
}
