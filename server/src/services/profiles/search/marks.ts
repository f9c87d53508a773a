import type { ProfileRow } from '../profile.ts'

/**
 * Marks stand beside a profile's words and are found whole. They begin with "=", which no word does, so that nobody finds a mark by
 * typing.
 */
const markOf = (kind: string, value: string): string =>
  // A lexeme has at most 2 kB; what the database cannot hold nobody has.
  `=${kind} ${value.slice(0, 500).replaceAll('\0', '').toWellFormed()}`

export const tenantMark = (tenant: string): string => markOf('tenant', tenant)
/** The beginning of every department's mark. */
export const departmentMarks = '=department '
export const departmentMark = (department: string): string => markOf('department', department)
export const roleMark = (contract: string, role: string): string => markOf('role', `${contract} ${role}`)
/** Of whoever was granted a role in the contract, whichever. */
export const grantedMark = (contract: string): string => markOf('granted', contract)

/** All marks of a profile. */
export const marksOf = ({
  tenant,
  department,
  roles,
}: Pick<ProfileRow, 'tenant' | 'department' | 'roles'>): string[] => [
  tenantMark(tenant),
  ...(department === null ? [] : [departmentMark(department)]),
  ...Object.entries(roles ?? {}).flatMap(([contract, role]) => [grantedMark(contract), roleMark(contract, role)]),
]
