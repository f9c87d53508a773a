import type { ProfileRow } from '../profile.ts'

/**
 * Facets stand beside a profile's words and are found whole. They begin with "=", which no word does, so that nobody finds one by
 * typing.
 */
const facetOf = (kind: string, value: string): string =>
  // A lexeme has at most 2 kB; what the database cannot hold nobody has.
  `=${kind} ${value.slice(0, 500).replaceAll('\0', '').toWellFormed()}`

export const tenantFacet = (tenant: string): string => facetOf('tenant', tenant)
/** The beginning of every department's facet. */
export const departmentFacets = '=department '
/** Without case: whoever writes one again seldom does so letter by letter. */
export const departmentFacet = (department: string): string => facetOf('department', department.toLowerCase())
export const roleFacet = (role: string): string => facetOf('role', role)
/** Of whoever was given a role, whichever. */
export const grantedFacet = '=granted'

/** All facets of a profile. */
export const facetsOf = ({
  tenant,
  department,
  role,
}: Pick<ProfileRow, 'tenant' | 'department' | 'role'>): string[] => [
  tenantFacet(tenant),
  ...(department === null ? [] : [departmentFacet(department)]),
  ...(role === null ? [] : [grantedFacet, roleFacet(role)]),
]
