import type { AccountSummary } from './accounts-port.ts'
import type { Visitor } from './visitor.ts'

export interface Profile {
  /** The account's id, a UUID. */
  accountId: string
  /** The account's number. */
  number: number
  /** The name of the account's tenant, in lower case. */
  tenant: string
  username: string
  /** The address shown. */
  email: string | null
  displayName: string | null
  firstName: string | null
  lastName: string | null
  phone: string | null
  address: string | null
  department: string | null
  jobTitle: string | null
  /** 32 hexadecimal digits that the image is stored under. */
  avatarKey: string | null
  /** Only what was set; contracts lay it over defaults of their own. */
  preferences: Readonly<Record<string, unknown>>
  createdAt: Date
  updatedAt: Date | null
}

/** A profile with its account's role in the contract that asks. */
export interface Person extends Profile {
  role: string
}

/** The fields a person may change; absent means unchanged, null means none. Preferences are merged two levels deep. */
export interface ProfileFields {
  email?: string | null | undefined
  displayName?: string | null | undefined
  firstName?: string | null | undefined
  lastName?: string | null | undefined
  phone?: string | null | undefined
  address?: string | null | undefined
  department?: string | null | undefined
  jobTitle?: string | null | undefined
  preferences?: Record<string, unknown> | undefined
}

/** A role by the name of its contract. */
export type Roles = Readonly<Record<string, string>>

export const rolesOf = ({ roles }: Pick<AccountSummary, 'roles'>): Roles =>
  Object.fromEntries(roles.map(({ contract, role }) => [contract, role]))

/** A profile as its row has it. */
export interface ProfileRow extends Profile {
  /** Null: identity was not asked yet. */
  roles: Roles | null
  /** Of its latest event. */
  sequence: number
}

export const profileOf = ({ roles, sequence, ...profile }: ProfileRow): Profile => profile

export const roleOf = ({ roles }: Pick<ProfileRow, 'roles'>, { terms }: Visitor): string =>
  roles?.[terms.name] ?? terms.policy.roles.person

export const personOf = (row: ProfileRow, visitor: Visitor): Person => ({
  ...profileOf(row),
  role: roleOf(row, visitor),
})

const textFields = [
  'email',
  'displayName',
  'firstName',
  'lastName',
  'phone',
  'address',
  'department',
  'jobTitle',
] as const
export type TextField = (typeof textFields)[number]

/** The given texts as the database can hold them: without NUL and half surrogate pairs. */
export function textsOf(fields: ProfileFields): Partial<Record<TextField, string | null>> {
  const texts: Partial<Record<TextField, string | null>> = {}
  for (const name of textFields) {
    const text = fields[name]
    if (text !== undefined) texts[name] = text?.replaceAll('\0', '').toWellFormed() ?? null
  }
  return texts
}

/** A value as `jsonb` can hold it: the escapes that JSON has for NUL and for half surrogate pairs are left out. */
export const storableJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '$1')
