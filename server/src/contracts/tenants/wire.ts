import Type from 'typebox'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { Activity, Session } from '../../services/identity/index.ts'
import type { AccountView } from '../../services/realm/index.ts'
import { Text } from '../_kit/schema.ts'
import { invalidFields } from './errors.ts'

/** The user service's shapes on the wire. */

export const Failure = Type.Object({
  message: Type.String(),
  /** The same text again, when the token is at fault. */
  msg: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
})

/** How a sign-in goes on for an account with a second factor. */
export const SecondFactorWanted = Type.Object({
  message: Type.String(),
  code: Type.Literal('MFA_REQUIRED'),
  session_token: Type.String(),
  mfa_code: Type.Optional(Type.String({ description: 'In development only.' })),
})

export const Message = Type.Object({ message: Type.String() })
export const message = (text: string) => ({ message: text })

/** Text with something to see in it. */
export const Name = Type.String({ minLength: 1, maxLength: 200, pattern: '^\\s*[^\\s\\u0000][^\\u0000]*$' })
export const Required = Text({ minLength: 1 })

export const roles = ['vendor_admin', 'tenant_admin', 'user'] as const
export const Role = Type.Enum([...roles])

export const Pair = Type.Object({ access_token: Type.String(), refresh_token: Type.String() })
export const pairOf = ({ accessToken, refreshToken }: Session): Type.Static<typeof Pair> => ({
  access_token: accessToken,
  refresh_token: refreshToken,
})

const NullableText = Type.Union([Type.String(), Type.Null()])
const Time = Type.String({ format: 'date-time' })
const Anything = Type.Record(Type.String(), Type.Unknown())

const personFields = {
  id: Type.Integer(),
  email: NullableText,
  full_name: NullableText,
  role: Type.String(),
  tenant_id: Type.Integer(),
  is_email_verified: Type.Boolean(),
  last_login: Type.Union([Time, Type.Null()]),
}

const personOf = (account: AccountView) => ({
  id: account.number,
  email: account.email,
  full_name: account.displayName,
  role: account.role,
  tenant_id: account.tenant.number,
  is_email_verified: account.emailVerified,
  last_login: account.lastLoginAt?.toISOString() ?? null,
})

export const User = Type.Object({ ...personFields, is_active: Type.Boolean() })
export const userOf = (account: AccountView): Type.Static<typeof User> => ({
  ...personOf(account),
  is_active: account.active,
})

/** Somebody to themselves. */
export const Me = Type.Object({ ...personFields, preferences: Anything })
export const meOf = (account: AccountView): Type.Static<typeof Me> => ({
  ...personOf(account),
  preferences: account.preferences,
})

/** Names of this contract for what the core logs by its own. */
const detailNames: Readonly<Record<string, string>> = { active: 'is_active', formerRole: 'former_role' }

export const Activities = Type.Array(
  Type.Object({ action: Type.String(), details: Anything, ip_address: NullableText, created_at: Time }),
)
export const activitiesOf = (activities: readonly Activity[]): Type.Static<typeof Activities> =>
  activities.map(({ action, details, ip, createdAt }) => ({
    action,
    details: Object.fromEntries(Object.entries(details).map(([name, value]) => [detailNames[name] ?? name, value])),
    ip_address: ip,
    created_at: createdAt.toISOString(),
  }))

const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000, default: 0 })),
}
const action = Type.Optional(Text({ minLength: 1, maxLength: 64 }))

/** What an earlier version of the user service called two of its roles: still good to filter by. */
const formerNames: Readonly<Record<string, string>> = { vendor: 'vendor_admin', admin: 'tenant_admin' }

export const UsersQuery = Type.Object({
  ...page,
  role: Type.Optional(Type.Enum([...roles, ...Object.keys(formerNames)])),
  tenant_id: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
})
export const filterOf = ({ role, tenant_id, limit = 10, offset = 0 }: Type.Static<typeof UsersQuery>) => ({
  role: role && (formerNames[role] ?? role),
  tenant: tenant_id,
  limit,
  offset,
})

export const ActivityQuery = Type.Object({ ...page, action })
export const activityFilterOf = ({ limit = 10, offset = 0, action }: Type.Static<typeof ActivityQuery>) => ({
  limit,
  offset,
  action,
})

/** Bytes that somebody's preferences may have as JSON. */
const mostBytes = 8 * 1024

/** The preferences as they came, when they can be kept: within 8 KiB, and nothing in them that jsonb has no place for. */
export function keepable<Preferences extends object | undefined>(preferences: Preferences): Preferences {
  if (preferences !== undefined && !fits(preferences)) {
    throw refuseAtEdge(
      'edge.bad_request',
      invalidFields({ preferences: 'At most 8 KiB of JSON, in Unicode without NUL' }),
    )
  }
  return preferences
}

function fits(preferences: object): boolean {
  try {
    const text = JSON.stringify(preferences)
    // NUL and lone surrogates, which JSON can only escape.
    return Buffer.byteLength(text) <= mostBytes && !/\\u(?:0000|d[89a-f])/i.test(text)
  } catch {
    // Nested deeper than the stack.
    return false
  }
}
