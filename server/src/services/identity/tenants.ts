import type { Policy } from '../realm/index.ts'
import { refuse } from './errors.ts'

/** Longest name of a tenant, in UTF-16 units. */
const longestName = 100

/** The tenant that a request is about: the contract's own, or the one it names. Names are trimmed and compared without case. */
export function tenantName({ tenant }: Policy, named: string | undefined): string {
  if (tenant !== 'named') return tenant.name
  const name = named?.trim().replaceAll(/\s+/g, ' ') ?? ''
  // Half a surrogate pair is no text that a database could keep.
  if (name === '' || name.length > longestName || !name.isWellFormed())
    throw refuse('identity.tenant_invalid', { maxLength: longestName })
  return name
}
