import Type, { type TProperties } from 'typebox'
import type { AccountView } from '../../services/realm/index.ts'

/** The shapes of the clients contract on the wire. */

export const Failure = Type.Object({
  error: Type.String(),
  code: Type.String(),
  details: Type.Optional(Type.Array(Type.String())),
})

/** The text form of a UUID (RFC 9562, section 4), in either case. */
export const Uuid = Type.String({ pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' })

const clientFields = {
  id: Type.String(),
  email: Type.String(),
  name: Type.String(),
  email_verified: Type.Boolean(),
  mfa_enabled: Type.Boolean(),
  created_at: Type.String(),
  updated_at: Type.String(),
}
export const ClientObject = Type.Object(clientFields)

/** Accounts of other contracts may lack an e-mail address or a name; their username stands for it. */
export const clientOf = (account: AccountView): Type.Static<typeof ClientObject> => ({
  id: account.id,
  email: account.email ?? account.username,
  name: account.displayName ?? account.username,
  email_verified: account.emailVerified,
  mfa_enabled: account.secondFactor,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
})

export const Success = <Fields extends TProperties>(fields: Fields) =>
  Type.Object({ success: Type.Literal(true), ...fields })

export const Message = Success({ message: Type.String() })
export const MessageWithClient = Success({ message: Type.String(), client: ClientObject })

export const message = (text: string) => ({ success: true, message: text }) as const

/** The client at the top level, as the reference sends it, and once more under `client`, as its description promises. */
export const Profile = Success({ ...clientFields, client: ClientObject })

export const profileOf = (account: AccountView): Type.Static<typeof Profile> => {
  const client = clientOf(account)
  return { success: true, ...client, client }
}

/** What a sign-in and a renewal both issue. */
export const tokenFields = { token: Type.String(), expires_at: Type.String(), refresh_token: Type.String() }
