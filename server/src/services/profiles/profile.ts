import type { RequestContext } from '../realm/index.ts'

/** Everything known of a person, as columns of `profiles`: types, reading and writing go by this. */
export const columns = {
  /** The account's id, a UUID. */
  accountId: 'account_id uuid',
  /** The realm whose member it is of: each has a profile of its own. */
  realm: 'realm text',
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
  /** The role that was given in the realm; null: a person's. */
  role: 'role text null',
  /** When the membership began, as identity says. */
  memberSince: 'member_since timestamptz null',
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

/** A profile as its row has it. */
export type ProfileRow = { [Name in FieldName]: Declared<Columns[Name]> }

/** Whose profile: an account in a realm. */
export type Member = Pick<ProfileRow, 'accountId' | 'realm'>

/** A profile as contracts show it. */
export type Profile = Omit<ProfileRow, 'realm' | 'role' | 'memberSince' | 'sequence'> & { role: string }

type Writable = { [Name in FieldName]: Columns[Name] extends `${string} text null` ? Name : never }[FieldName]
export type TextField = Exclude<Writable, 'avatarKey' | 'role'>
/** The texts that a profile may have, or may have none of. */
export const textFields = fieldNames.filter(
  (name): name is TextField => columns[name].endsWith(' text null') && name !== 'avatarKey' && name !== 'role',
)

/** The fields a person may change; absent means unchanged, null means none. Preferences are merged two levels deep. */
export type ProfileFields = { [Name in TextField]?: string | null | undefined } & {
  preferences?: Record<string, unknown> | undefined
}

export const roleOf = ({ role }: Pick<ProfileRow, 'role'>, { realm }: RequestContext): string =>
  role ?? realm.policy.roles.person

export const profileOf = (
  { realm: _realm, memberSince: _since, sequence: _sequence, ...profile }: ProfileRow,
  context: RequestContext,
): Profile => ({ ...profile, role: roleOf(profile, context) })

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
