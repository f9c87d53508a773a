import type { RequestContext } from '../realm/index.ts'
import type { AccountSummary } from './accounts-port.ts'

/** Everything known of a person, as columns of `profiles`: types, reading and writing go by this. */
export const columns = {
  /** The account's id, a UUID. */
  accountId: 'account_id uuid',
  /** The account's number. */
  number: 'number bigint',
  /** The name of the account's tenant, in lower case. */
  tenant: 'tenant text',
  username: 'username text',
  /** The address shown. */
  email: 'email text null',
  displayName: 'display_name text null',
  firstName: 'first_name text null',
  lastName: 'last_name text null',
  phone: 'phone text null',
  address: 'address text null',
  department: 'department text null',
  jobTitle: 'job_title text null',
  /** 32 hexadecimal digits that the image is stored under. */
  avatarKey: 'avatar_key text null',
  /** Only what was set; contracts lay it over defaults of their own. */
  preferences: 'preferences jsonb',
  createdAt: 'created_at timestamptz',
  updatedAt: 'updated_at timestamptz null',
  /** The role by the name of its contract. Null: identity was not asked yet. */
  roles: 'roles jsonb null',
  /** Of its latest event. */
  sequence: 'sequence integer',
} as const
type Columns = typeof columns
export type FieldName = keyof Columns
export const fieldNames = Object.keys(columns) as FieldName[]
export const columnOf = (name: FieldName): string => columns[name].split(' ', 1)[0] ?? name

interface Types {
  uuid: string
  text: string
  bigint: number
  integer: number
  timestamptz: Date
  jsonb: Readonly<Record<string, unknown>>
}
type Declared<Column> = Column extends `${string} ${infer Type extends keyof Types} null`
  ? Types[Type] | null
  : Column extends `${string} ${infer Type extends keyof Types}`
    ? Types[Type]
    : never

/** A role by the name of its contract. */
export type Roles = Readonly<Record<string, string>>

/** A profile as its row has it. */
export type ProfileRow = { [Name in Exclude<FieldName, 'roles'>]: Declared<Columns[Name]> } & { roles: Roles | null }

/** A profile, with its account's role in the contract that asks. */
export type Profile = Omit<ProfileRow, 'roles' | 'sequence'> & { role: string }

type Writable = { [Name in FieldName]: Columns[Name] extends `${string} text null` ? Name : never }[FieldName]
export type TextField = Exclude<Writable, 'avatarKey'>
/** The texts that a profile may have, or may have none of. */
export const textFields = fieldNames.filter(
  (name): name is TextField => columns[name].endsWith(' text null') && name !== 'avatarKey',
)

/** The fields a person may change; absent means unchanged, null means none. Preferences are merged two levels deep. */
export type ProfileFields = { [Name in TextField]?: string | null | undefined } & {
  preferences?: Record<string, unknown> | undefined
}

export const rolesOf = ({ roles }: Pick<AccountSummary, 'roles'>): Roles =>
  Object.fromEntries(roles.map(({ contract, role }) => [contract, role]))

export const roleOf = ({ roles }: Pick<ProfileRow, 'roles'>, { realm }: RequestContext): string =>
  roles?.[realm.name] ?? realm.policy.roles.person

export const profileOf = ({ roles, sequence, ...profile }: ProfileRow, context: RequestContext): Profile => ({
  ...profile,
  role: roleOf({ roles }, context),
})

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
