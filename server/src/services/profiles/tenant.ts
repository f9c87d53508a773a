import { refuse } from './errors.ts'

/** By whom and by which contract something is asked. */
export interface RequestContext {
  readonly realm: {
    /** The contract's name, also the scope of its roles. */
    readonly name: string
    readonly policy: {
      /** `person`: what an account without a role is. */
      readonly roles: { readonly person: string }
      /** The tenant of its accounts; `named`: each request names one. */
      readonly tenant: { name: string } | 'named'
    }
  }
  /** Null for our own processes. */
  readonly ip: string | null
  readonly userAgent: string | undefined
}

/** The name of a tenant as profiles compares it: without case. */
export const tenantNamed = (name: string): string => name.toLowerCase()

/** The tenant whose profiles one sees by this contract. Where requests name the tenant nobody is told by the contract, and sees none. */
export function tenantOf({ realm }: RequestContext): string {
  const { tenant } = realm.policy
  if (tenant === 'named') throw refuse('profiles.not_found')
  return tenantNamed(tenant.name)
}
