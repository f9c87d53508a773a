import type { RequestContext } from '../realm/index.ts'
import { refuse } from './errors.ts'

/** The name of a tenant as profiles compares it: without case. */
export const tenantNamed = (name: string): string => name.toLowerCase()

/** The tenant whose profiles one sees in the realm. Where requests name the tenant nobody is told by the realm, and sees none. */
export function tenantOf({ realm }: RequestContext): string {
  const { tenant } = realm.policy
  if (tenant === 'named') throw refuse('profiles.not_found')
  return tenantNamed(tenant.name)
}

/** Those who may see each other: the members of a realm in one tenant. */
export interface Scope {
  realm: string
  tenant: string
}

export const scopeOf = (context: RequestContext): Scope => ({ realm: context.realm.name, tenant: tenantOf(context) })

/** A scope as the column says it. */
export const scopeName = ({ realm, tenant }: Scope): string => `${realm}/${tenant}`
